//! Steps by address range: `xds.type.matcher.v3.IPMatcher`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::matching::read_cidrs;
use crate::proto::Reader;

/// Ranges, the longest prefix first and those of one length in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranges(Vec<Range>);

#[derive(Debug, Clone, PartialEq)]
struct Range {
    net: IpNet,
    /// Taken only when no longer prefix holds the address.
    exclusive: bool,
    /// Index of what comes next.
    next: usize,
}

impl Ranges {
    /// Reads the message; `next` reads an `OnMatch` and tells its index.
    pub(super) fn read(reader: &Reader<'_>, mut next: impl FnMut(&Reader<'_>) -> Option<usize>) -> Option<Self> {
        let mut all = Vec::new();
        for matcher in reader.list("range_matchers") {
            let nets = read_cidrs(&matcher.list("ranges"));
            let exclusive = matcher.flag("exclusive");
            let next = next(&matcher.need("on_match")?)?;
            all.extend(nets?.into_iter().map(|net| Range { net, exclusive, next }));
        }
        all.sort_by_key(|range| std::cmp::Reverse(range.net.prefix_len()));
        Some(Self(all))
    }

    /// What may come next for an address, best first.
    pub(super) fn find(&self, ip: IpAddr) -> impl Iterator<Item = usize> {
        let found = self.0.iter().filter(move |range| range.net.contains(&ip)).enumerate();
        found.filter(|(index, range)| *index == 0 || !range.exclusive).map(|(_, range)| range.next)
    }
}
