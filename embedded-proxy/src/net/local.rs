//! The machine's own address.

use std::net::IpAddr;
use std::sync::OnceLock;

/// The first IPv4 address of this machine that is not a loopback one, as Envoy finds its local address. It is looked up
/// once.
pub fn local_address() -> Option<IpAddr> {
    static ADDRESS: OnceLock<Option<IpAddr>> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let interfaces = nix::ifaddrs::getifaddrs().ok()?;
        let mut addresses = interfaces.filter_map(|interface| {
            let address = interface.address?;
            let address = address.as_sockaddr_in()?;
            Some(address.ip())
        });
        addresses.find(|address| !address.is_loopback() && !address.is_unspecified()).map(IpAddr::V4)
    })
}
