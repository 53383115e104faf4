//! Loopback networks for one local mesh. Several meshes run side by side, each in a slot of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use ipnet::Ipv4Net;

use crate::ir::AddressPlan;

/// How many meshes one machine runs at once.
const SLOTS: u8 = 40;
/// First network of pods; that of their processes comes next to it.
const PODS: u8 = 7;
/// First network of services.
const SERVICES: u8 = 96;
/// Port whose holder has the slot.
const CLAIM: u16 = 15099;

/// Three networks that nobody else uses. The kernel gives them back when the process ends, however it ends.
#[derive(Debug)]
pub struct Slot {
    number: u8,
    _claim: TcpListener,
}

impl Slot {
    /// The first free one.
    pub fn claim() -> io::Result<Self> {
        let mut last = io::Error::other("all networks for local meshes are taken");
        for number in 0..SLOTS {
            // No pod has the last address of its network.
            let at = SocketAddr::new(Ipv4Addr::new(127, PODS + 2 * number, 255, 255).into(), CLAIM);
            match TcpListener::bind(at) {
                Ok(claim) => return Ok(Self { number, _claim: claim }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Addresses of services and pods.
    pub fn plan(&self) -> AddressPlan {
        AddressPlan { services: net(self.services()), workloads: net(self.pods()) }
    }

    /// Where the process beside a proxy listens: the same host, in the network next to it.
    pub fn process(&self, pod: Ipv4Addr) -> Ipv4Addr {
        let [_, _, high, low] = pod.octets();
        Ipv4Addr::new(127, self.pods() + 1, high, low)
    }

    /// True for addresses of pods.
    pub fn is_pod(&self, address: Ipv4Addr) -> bool {
        net(self.pods()).contains(&address)
    }

    /// Stands for hosts that have no address at all: the proxy knows them by name.
    pub fn nameless(&self) -> IpAddr {
        Ipv4Addr::new(127, self.services(), 255, 255).into()
    }

    fn pods(&self) -> u8 {
        PODS + 2 * self.number
    }

    fn services(&self) -> u8 {
        SERVICES + self.number
    }
}

fn net(second: u8) -> Ipv4Net {
    Ipv4Net::new(Ipv4Addr::new(127, second, 0, 0), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_not_shared_and_come_back() {
        let (one, two) = (Slot::claim().unwrap(), Slot::claim().unwrap());
        assert_ne!(one.plan(), two.plan());
        assert!(!one.plan().workloads.contains(&two.plan().workloads.network()));
        let pod = Ipv4Addr::new(127, one.pods(), 3, 4);
        assert!(one.is_pod(pod) && !two.is_pod(pod) && !one.is_pod(one.process(pod)));
        assert_eq!(one.process(pod).octets()[2..], [3, 4]);
    }
}
