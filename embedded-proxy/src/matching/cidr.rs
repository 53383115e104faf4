//! Address ranges.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::proto::Reader;

/// Reads `envoy.config.core.v3.CidrRange` or `xds.core.v3.CidrRange`; bits behind the prefix are dropped.
pub fn read_cidr(reader: &Reader<'_>) -> Option<IpNet> {
    let prefix = reader.need_text("address_prefix");
    let length = reader.number("prefix_len").unwrap_or(0);
    let Ok(address) = prefix?.parse::<IpAddr>() else {
        reader.defect("address_prefix", "not an IP address");
        return None;
    };
    match u8::try_from(length).ok().and_then(|length| IpNet::new(address, length).ok()) {
        Some(net) => Some(net.trunc()),
        None => {
            reader.defect("prefix_len", format!("{length} is too long for {address}"));
            None
        }
    }
}

/// Reads a list of ranges; none when one is wrong.
pub fn read_cidrs(readers: &[Reader<'_>]) -> Option<Vec<IpNet>> {
    let all: Vec<Option<IpNet>> = readers.iter().map(read_cidr).collect();
    all.into_iter().collect()
}

/// `envoy.type.matcher.v3.AddressMatcher`: an address in one of some ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressMatcher {
    ranges: Vec<IpNet>,
    invert: bool,
}

impl AddressMatcher {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let invert = reader.flag("invert_match");
        Some(Self { ranges: read_cidrs(&reader.list("ranges"))?, invert })
    }

    /// Whether the address matches.
    pub fn matches(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(&address)) != self.invert
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::text::tests::read;
    use super::*;

    #[test]
    fn a_range_holds_its_addresses() {
        let name = "envoy.config.core.v3.CidrRange";
        let net = read(name, &json!({"address_prefix": "10.1.2.3", "prefix_len": 8}), read_cidr).unwrap();
        assert_eq!(net.to_string(), "10.0.0.0/8");
        let net = read(name, &json!({"address_prefix": "::1", "prefix_len": 128}), read_cidr).unwrap();
        assert!(net.contains(&"::1".parse::<IpAddr>().unwrap()) && !net.contains(&"::2".parse::<IpAddr>().unwrap()));
        assert!(read(name, &json!({"address_prefix": "10.1.2.3", "prefix_len": 33}), read_cidr).is_err());
        assert!(read(name, &json!({"address_prefix": "x"}), read_cidr).is_err());
    }
}
