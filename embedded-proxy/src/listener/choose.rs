//! Which filter chain a connection takes: pure, and in the order of Envoy's documentation of `FilterChainMatch`.
//!
//! Each criterion narrows the chains, most specific value first, and there is no way back: once the exact port has
//! chains, chains without a port are out, even when none of the others fits in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{Criteria, SourceType};
use crate::matching::tree::Network;
use crate::net::Address;

/// What a choice looks at.
pub type Facts<'f> = Network<'f>;

/// IPv4 inside IPv6 is IPv4: that is what rules are written for. An address that is no IP address counts as one that
/// only rules for all addresses hold, as in Envoy.
fn canonical(address: &Address) -> IpAddr {
    address.ip().map_or(Ipv4Addr::BROADCAST.into(), |ip| ip.to_canonical())
}

/// Values by address range, most specific range first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Nets<V>(Vec<(IpNet, V)>);

impl<V> Default for Nets<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Default> Nets<V> {
    fn entry(&mut self, net: IpNet) -> &mut V {
        let at = match self.0.iter().position(|(other, _)| *other == net) {
            Some(at) => at,
            None => {
                let at = self.0.partition_point(|(other, _)| other.prefix_len() >= net.prefix_len());
                self.0.insert(at, (net, V::default()));
                at
            }
        };
        &mut self.0[at].1
    }

    fn find(&self, address: &Address) -> Option<&V> {
        let address = canonical(address);
        self.0.iter().find(|(net, _)| net.contains(&address)).map(|(_, value)| value)
    }
}

type SourcePorts = BTreeMap<u16, usize>;
type Sources = Nets<SourcePorts>;
type SourceTypes = BTreeMap<SourceType, Sources>;
type DirectSources = Nets<SourceTypes>;
type Protocols = BTreeMap<String, DirectSources>;
type Transports = BTreeMap<String, Protocols>;
type ServerNames = BTreeMap<String, Transports>;
type Destinations = Nets<ServerNames>;

/// Filter chains by what they ask. Port 0 and the empty text stand for "not asked".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice(BTreeMap<u16, Destinations>);

impl Choice {
    /// The table of these criteria; the index in the slice is what [`Choice::find`] returns. The error names the chain
    /// whose criteria another has already.
    pub fn new(all: &[Criteria]) -> Result<Self, (usize, &'static str)> {
        let mut table = Self::default();
        for (index, criteria) in all.iter().enumerate() {
            if all[..index].contains(criteria) {
                return Err((index, "has the same matching rules as an earlier filter chain"));
            }
            table
                .add(criteria, index)
                .map_err(|()| (index, "has matching rules that overlap with an earlier filter chain"))?;
        }
        Ok(table)
    }

    fn add(&mut self, criteria: &Criteria, index: usize) -> Result<(), ()> {
        let destinations = self.0.entry(criteria.destination_port.unwrap_or(0)).or_default();
        for destination in nets(&criteria.destinations) {
            let names = destinations.entry(destination);
            for name in texts(&criteria.server_names) {
                let transports = names.entry(name).or_default();
                let protocols = transports.entry(criteria.transport_protocol.clone()).or_default();
                for protocol in texts(&criteria.application_protocols) {
                    add_source(protocols.entry(protocol).or_default(), criteria, index)?;
                }
            }
        }
        Ok(())
    }

    /// The chain of a connection; none when only the default chain is left.
    pub fn find(&self, facts: &Facts<'_>) -> Option<usize> {
        let destinations = facts.local.port().and_then(|port| self.0.get(&port)).or_else(|| self.0.get(&0))?;
        let transports = by_name(destinations.find(facts.local)?, facts.server_name)?;
        let protocols = transports.get(facts.transport_protocol).or_else(|| transports.get(""))?;
        let offered = facts.application_protocols.iter().find_map(|protocol| protocols.get(protocol));
        let direct = offered.or_else(|| protocols.get(""))?;
        let types = direct.find(facts.peer)?;
        let source_type = if facts.is_local() { SourceType::SameIpOrLoopback } else { SourceType::External };
        let sources = types.get(&source_type).or_else(|| types.get(&SourceType::Any))?;
        let ports = sources.find(facts.remote)?;
        facts.remote.port().and_then(|port| ports.get(&port)).or_else(|| ports.get(&0)).copied()
    }
}

fn add_source(direct: &mut DirectSources, criteria: &Criteria, index: usize) -> Result<(), ()> {
    for net in nets(&criteria.direct_sources) {
        let sources = direct.entry(net).entry(criteria.source_type).or_default();
        for source in nets(&criteria.sources) {
            let ports = sources.entry(source);
            let all = &criteria.source_ports;
            let wanted: Vec<u16> = if all.is_empty() { vec![0] } else { all.iter().copied().collect() };
            for port in wanted {
                if ports.insert(port, index).is_some() {
                    return Err(());
                }
            }
        }
    }
    Ok(())
}

/// The exact name, then its parents (`.example.com`, `.com`), then chains that ask for none.
fn by_name<'n>(names: &'n ServerNames, name: &str) -> Option<&'n Transports> {
    let parents = name.char_indices().skip(1).filter(|(_, letter)| *letter == '.').map(|(at, _)| &name[at..]);
    let mut wanted = std::iter::once(name).chain(parents.filter(|parent| parent.len() > 1));
    wanted.find_map(|name| names.get(name)).or_else(|| names.get(""))
}

fn nets(set: &BTreeSet<IpNet>) -> Vec<IpNet> {
    if !set.is_empty() {
        return set.iter().copied().collect();
    }
    vec![IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())]
}

fn texts(set: &BTreeSet<String>) -> Vec<String> {
    if set.is_empty() { vec![String::new()] } else { set.iter().cloned().collect() }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    static NO_STATE: BTreeMap<String, String> = BTreeMap::new();
    static NO_METADATA: BTreeMap<String, serde_json::Value> = BTreeMap::new();

    #[test]
    fn what_is_no_ip_address_takes_chains_that_ask_no_address() {
        let pipe = Address::pipe("/run/s").unwrap();
        let facts = Facts {
            local: &pipe,
            remote: &pipe,
            peer: &pipe,
            ..facts("1.1.1.1:1", "1.1.1.1:1", "", "raw_buffer", &[])
        };
        let chosen = |criteria: Criteria| Choice::new(&[criteria]).unwrap().find(&facts);
        assert_eq!(chosen(Criteria::default()), Some(0));
        assert_eq!(chosen(Criteria { destination_port: Some(1), ..Criteria::default() }), None);
        assert_eq!(chosen(Criteria { sources: set(&["10.0.0.0/8"]), ..Criteria::default() }), None);
        assert_eq!(chosen(Criteria { source_ports: set(&["1"]), ..Criteria::default() }), None);
        assert_eq!(chosen(Criteria { source_type: SourceType::SameIpOrLoopback, ..Criteria::default() }), Some(0));
    }

    fn set<T: std::str::FromStr + Ord>(texts: &[&str]) -> BTreeSet<T>
    where
        T::Err: std::fmt::Debug,
    {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn at(ip: &str, port: u16) -> Address {
        SocketAddr::new(ip.parse().unwrap(), port).into()
    }

    fn facts<'f>(
        local: &'f str,
        remote: &'f str,
        name: &'f str,
        transport: &'f str,
        protocols: &'f [String],
    ) -> Facts<'f> {
        // Addresses of tests live as long as the tests.
        let leak = |text: &str| -> &'f Address { Box::leak(Box::new(Address::Ip(text.parse().unwrap()))) };
        let remote = leak(remote);
        Facts {
            local: leak(local),
            remote,
            peer: remote,
            server_name: name,
            transport_protocol: transport,
            application_protocols: protocols,
            state: &NO_STATE,
            metadata: &NO_METADATA,
        }
    }

    #[test]
    fn each_criterion_is_taken_most_specific_first() {
        let base = Criteria::default;
        let all = [
            base(),
            Criteria { destination_port: Some(443), server_names: set(&["a.example.com"]), ..base() },
            Criteria { destination_port: Some(443), server_names: set(&[".example.com"]), ..base() },
            Criteria { destination_port: Some(443), server_names: set(&[".com"]), ..base() },
            Criteria { destinations: set(&["10.0.0.0/8"]), ..base() },
            Criteria { destinations: set(&["10.1.0.0/16"]), transport_protocol: "tls".into(), ..base() },
            Criteria { destination_port: Some(80), application_protocols: set(&["h2c", "http/1.1"]), ..base() },
            Criteria { destination_port: Some(80), ..base() },
            Criteria { destination_port: Some(90), source_type: SourceType::SameIpOrLoopback, ..base() },
            Criteria {
                destination_port: Some(90),
                source_type: SourceType::External,
                sources: set(&["9.0.0.0/8"]),
                ..base()
            },
            Criteria { destination_port: Some(91), source_ports: set(&["1", "2"]), ..base() },
        ];
        let table = Choice::new(&all).unwrap();
        let h2: Vec<String> = vec!["grpc-exp".into(), "h2c".into()];
        let cases = [
            (facts("1.1.1.1:443", "2.2.2.2:5", "a.example.com", "tls", &[]), Some(1)),
            (facts("1.1.1.1:443", "2.2.2.2:5", "b.example.com", "tls", &[]), Some(2)),
            (facts("1.1.1.1:443", "2.2.2.2:5", "x.y.example.com", "tls", &[]), Some(2)),
            (facts("1.1.1.1:443", "2.2.2.2:5", "example.com", "tls", &[]), Some(3)),
            (facts("1.1.1.1:443", "2.2.2.2:5", "example.org", "tls", &[]), None),
            (facts("1.1.1.1:443", "2.2.2.2:5", "", "tls", &[]), None),
            (facts("10.2.0.1:70", "2.2.2.2:5", "", "raw_buffer", &[]), Some(4)),
            (facts("10.1.0.1:70", "2.2.2.2:5", "", "tls", &[]), Some(5)),
            (facts("10.1.0.1:70", "2.2.2.2:5", "", "raw_buffer", &[]), None),
            (facts("[::ffff:10.2.0.1]:70", "2.2.2.2:5", "", "raw_buffer", &[]), Some(4)),
            (facts("[fe80::1]:70", "[fe80::2]:5", "", "raw_buffer", &[]), Some(0)),
            (facts("10.1.0.1:80", "2.2.2.2:5", "", "raw_buffer", &h2), Some(6)),
            (facts("10.1.0.1:80", "2.2.2.2:5", "", "raw_buffer", &h2[..1]), Some(7)),
            (facts("1.1.1.1:90", "127.0.0.9:5", "", "", &[]), Some(8)),
            (facts("1.1.1.1:90", "1.1.1.1:5", "", "", &[]), Some(8)),
            (facts("1.1.1.1:90", "9.1.1.1:5", "", "", &[]), Some(9)),
            (facts("1.1.1.1:90", "8.1.1.1:5", "", "", &[]), None),
            (facts("1.1.1.1:91", "8.1.1.1:2", "", "", &[]), Some(10)),
            (facts("1.1.1.1:91", "8.1.1.1:3", "", "", &[]), None),
        ];
        for (facts, wanted) in cases {
            assert_eq!(table.find(&facts), wanted, "{facts:?}");
        }
    }

    #[test]
    fn chains_that_ask_the_same_are_refused() {
        let ports = |ports: &[&str]| Criteria { source_ports: set(ports), ..Criteria::default() };
        let (index, why) = Choice::new(&[ports(&["1"]), ports(&["2"]), ports(&["1"])]).unwrap_err();
        assert_eq!((index, why.contains("same")), (2, true));
        let (index, why) = Choice::new(&[ports(&["1", "3"]), ports(&["2", "3"])]).unwrap_err();
        assert_eq!((index, why.contains("overlap")), (1, true));
    }

    /// How specific each criterion of a chain is for a connection, in order; none when one does not match.
    fn rank(criteria: &Criteria, facts: &Facts<'_>) -> Vec<Option<usize>> {
        let net = |set: &BTreeSet<IpNet>, address: &Address| {
            let all = nets(set);
            let lengths =
                all.iter().filter(|net| net.contains(&canonical(address))).map(|net| 1 + usize::from(net.prefix_len()));
            lengths.max()
        };
        let names = texts(&criteria.server_names);
        let name = names.iter().filter(|name| {
            name.is_empty()
                || *name == facts.server_name
                || name.starts_with('.')
                    && facts.server_name.len() > name.len()
                    && facts.server_name.ends_with(name.as_str())
        });
        let protocol = if criteria.application_protocols.is_empty() {
            Some(0)
        } else {
            let at =
                facts.application_protocols.iter().position(|offered| criteria.application_protocols.contains(offered));
            at.map(|at| facts.application_protocols.len() - at)
        };
        let either = |asked: bool, holds: bool| if asked { holds.then_some(1) } else { Some(0) };
        let local = facts.is_local();
        vec![
            either(criteria.destination_port.is_some(), criteria.destination_port == facts.local.port()),
            net(&criteria.destinations, facts.local),
            name.map(String::len).max(),
            either(!criteria.transport_protocol.is_empty(), criteria.transport_protocol == facts.transport_protocol),
            protocol,
            net(&criteria.direct_sources, facts.peer),
            either(
                criteria.source_type != SourceType::Any,
                (criteria.source_type == SourceType::SameIpOrLoopback) == local,
            ),
            net(&criteria.sources, facts.remote),
            either(!criteria.source_ports.is_empty(), criteria.source_ports.contains(&facts.remote.port().unwrap())),
        ]
    }

    /// Narrows criterion by criterion, with no data structure at all.
    fn naive(all: &[Criteria], facts: &Facts<'_>) -> Option<usize> {
        let ranks: Vec<_> = all.iter().map(|criteria| rank(criteria, facts)).collect();
        let mut left: Vec<usize> = (0..all.len()).collect();
        let mut steps = 0..9;
        steps.try_for_each(|step| {
            let best = left.iter().filter_map(|index| ranks[*index][step]).max()?;
            left.retain(|index| ranks[*index][step] == Some(best));
            Some(())
        })?;
        left.first().copied()
    }

    fn criteria() -> impl Strategy<Value = Criteria> {
        let nets = || {
            prop::collection::btree_set(
                prop::sample::select(vec!["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "0.0.0.0/0"])
                    .prop_map(|net| net.parse().unwrap()),
                0..2,
            )
        };
        let names = prop::collection::btree_set(
            prop::sample::select(vec!["a.b.c", ".b.c", ".c", "b.c"]).prop_map(str::to_string),
            0..3,
        );
        let protocols =
            prop::collection::btree_set(prop::sample::select(vec!["h2", "http/1.1"]).prop_map(str::to_string), 0..2);
        let source_type =
            prop::sample::select(vec![SourceType::Any, SourceType::External, SourceType::SameIpOrLoopback]);
        let port = prop::option::of(1u16..3);
        let transport = prop::sample::select(vec!["", "tls"]);
        let ports = prop::collection::btree_set(1u16..3, 0..2);
        (port, nets(), names, transport, protocols, nets(), source_type, nets(), ports).prop_map(
            |(
                destination_port,
                destinations,
                server_names,
                transport,
                application_protocols,
                direct_sources,
                source_type,
                sources,
                source_ports,
            )| Criteria {
                destination_port,
                destinations,
                server_names,
                transport_protocol: transport.into(),
                application_protocols,
                direct_sources,
                source_type,
                sources,
                source_ports,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_table_agrees_with_narrowing_by_hand(
            all in prop::collection::vec(criteria(), 1..6),
            addresses in (prop::sample::select(vec!["10.1.1.1", "10.1.9.9", "10.9.9.9", "127.0.0.1", "8.8.8.8"]), prop::sample::select(vec!["10.1.1.1", "10.1.9.9", "8.8.8.8"]), prop::sample::select(vec!["10.1.1.1", "8.8.8.8"])),
            ports in (1u16..4, 1u16..4),
            name in prop::sample::select(vec!["", "a.b.c", "x.b.c", "b.c", "c", ".", "..c"]),
            transport in prop::sample::select(vec!["tls", "raw_buffer"]),
            protocols in prop::collection::vec(prop::sample::select(vec!["h2", "http/1.1", "x"]).prop_map(str::to_string), 0..3),
        ) {
            let Ok(table) = Choice::new(&all) else { return Ok(()) };
            let (local, remote, peer) = (at(addresses.0, ports.0), at(addresses.1, ports.1), at(addresses.2, ports.1));
            let facts = Facts {
                local: &local,
                remote: &remote,
                peer: &peer,
                server_name: name,
                transport_protocol: transport,
                application_protocols: &protocols,
                state: &NO_STATE,
                metadata: &NO_METADATA,
            };
            prop_assert_eq!(table.find(&facts), naive(&all, &facts));
        }
    }
}
