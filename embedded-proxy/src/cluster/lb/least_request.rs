//! Least request: of a few hosts, the one with the fewest requests on their way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cluster::Host;
use crate::proto::Reader;

use super::random::Mix;
use super::slow_start::SlowStart;
use super::stride::Stride;

/// How hosts are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeastRequest {
    /// How many are compared (2).
    pub choices: u32,
    /// With unequal weights: how much requests on their way count; 0 makes it round robin (1).
    pub bias: f64,
    /// All hosts are compared.
    pub scan: bool,
    /// Slow start.
    pub slow: Option<SlowStart>,
}

impl LeastRequest {
    /// Reads `LeastRequestLbConfig`, or the extension when `extension`.
    pub fn read(reader: &Reader<'_>, extension: bool) -> Self {
        let choices = reader.u32("choice_count").unwrap_or(2);
        if choices < 2 {
            reader.defect("choice_count", "must be greater than or equal to 2");
        }
        let bias = reader.message("active_request_bias").map(|bias| {
            // The proxy has no runtime overrides: the default counts.
            bias.ignore(&["runtime_key"]);
            bias.float("default_value").unwrap_or(0.0)
        });
        let bias = bias.unwrap_or(1.0);
        let scan = extension
            && (reader.word("selection_method") == "FULL_SCAN" || reader.opt_flag("enable_full_scan") == Some(true));
        Self {
            choices,
            bias: if bias < 0.0 || bias.is_nan() { 1.0 } else { bias },
            scan,
            slow: SlowStart::read(reader),
        }
    }

    /// What it is without configuration.
    pub fn plain() -> Self {
        Self { choices: 2, bias: 1.0, scan: false, slow: None }
    }

    /// Load of a host for comparison: requests on their way, by weight when weights differ.
    fn load(&self, host: &Host, weighted: bool) -> f64 {
        let active = f64::from(host.active.load(Ordering::Relaxed));
        if !weighted {
            return active;
        }
        active.powf(self.bias) / f64::from(host.weight())
    }

    /// Index of a host. `turns` are there when weights differ.
    pub fn pick(&self, hosts: &[Arc<Host>], turns: Option<&Stride>, random: u64) -> Option<usize> {
        let mut mix = Mix::new(random);
        if self.scan {
            return self.scan(hosts, turns.is_some(), &mut mix);
        }
        if turns.is_some() && self.bias == 0.0 {
            return turns?.next();
        }
        // The first comes by weight: without load it is taken, and shares are exact. The others only relieve it.
        let mut best = match turns {
            Some(turns) => turns.next(),
            None => mix.below(hosts.len()),
        }?;
        for _ in 1..self.choices {
            let other = mix.below(hosts.len())?;
            if self.load(&hosts[other], turns.is_some()) < self.load(&hosts[best], turns.is_some()) {
                best = other;
            }
        }
        Some(best)
    }

    /// The least loaded of all; among equal ones any.
    fn scan(&self, hosts: &[Arc<Host>], weighted: bool, mix: &mut Mix) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        let mut equal = 1;
        for (index, host) in hosts.iter().enumerate() {
            let load = self.load(host, weighted);
            match best {
                Some((_, least)) if load > least => {}
                #[allow(clippy::float_cmp)]
                Some((_, least)) if load == least => {
                    equal += 1;
                    if mix.below(equal)? == 0 {
                        best = Some((index, load));
                    }
                }
                _ => {
                    equal = 1;
                    best = Some((index, load));
                }
            }
        }
        best.map(|(index, _)| index)
    }
}
