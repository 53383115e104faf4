//! A bound on the load of a host in hashing balancers: when the host of a hash has too many requests on their way, others
//! are tried in an order that the hash determines.

use std::sync::atomic::Ordering;

use super::hashed::Weighed;

/// The bound: percent of the average load.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    factor: u64,
}

/// The Mersenne twister of the C++ standard library (mt19937): the order of tries is Envoy's.
struct Twister {
    state: [u32; 624],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [0; 624];
        state[0] = seed;
        for index in 1..624_usize {
            let before: u32 = state[index - 1];
            let mixed = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30));
            state[index] = mixed.wrapping_add(u32::try_from(index).unwrap_or(0));
        }
        Self { state, next: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.next == 624 {
            for index in 0..624 {
                let joined = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % 624] & 0x7fff_ffff);
                let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[index] = self.state[(index + 397) % 624] ^ (joined >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut value = self.state[self.next];
        self.next += 1;
        value ^= value >> 11;
        value ^= (value << 7) & 0x9d2c_5680;
        value ^= (value << 15) & 0xefc6_0000;
        value ^ (value >> 18)
    }

    /// A number below `count`, which is not 0.
    fn below(&mut self, count: u64) -> u64 {
        loop {
            let value = u64::from(self.next()) / ((1 << 32) / count);
            if value < count {
                return value;
            }
        }
    }
}

impl Bound {
    /// `factor` is in percent, at least 100.
    pub fn new(factor: u32) -> Self {
        Self { factor: factor.into() }
    }

    /// Requests on their way to a host by what it may have; more than 1 is too much.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn load(self, host: &Weighed, all: u64) -> f64 {
        let slots = ((all + 1) * self.factor).div_ceil(100);
        let slots = (slots as f64 * host.share).ceil().max(1.0);
        f64::from(host.host.active.load(Ordering::Relaxed)) / slots
    }

    /// The host found, or the first of the others that has room, or the least loaded of all.
    #[allow(clippy::cast_possible_truncation)]
    pub fn admit(self, hosts: &[Weighed], found: usize, hash: u64) -> usize {
        let all: u64 = hosts.iter().map(|host| u64::from(host.host.active.load(Ordering::Relaxed))).sum();
        let Some(host) = hosts.get(found) else { return found };
        let mut least = (self.load(host, all), found);
        if least.0 <= 1.0 {
            return found;
        }
        let mut order: Vec<usize> = (0..hosts.len()).collect();
        let mut twister = Twister::new(hash as u32);
        for index in 0..order.len() {
            let step = twister.below((order.len() - index) as u64);
            order.swap(index, index + usize::try_from(step).unwrap_or(0));
            let other = order[index];
            if other == found {
                continue;
            }
            let load = self.load(&hosts[other], all);
            if load <= 1.0 {
                return other;
            }
            if load < least.0 {
                least = (load, other);
            }
        }
        least.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twister_is_the_standard_one() {
        let mut twister = Twister::new(5489);
        assert_eq!([twister.next(), twister.next()], [3_499_211_612, 581_869_302]);
        let mut twister = Twister::new(5489);
        let last = (0..10_000).map(|_| twister.next()).last();
        assert_eq!(last, Some(4_123_659_995), "the value that the C++ standard demands");
    }
}
