//! How names are looked up: the DNS fields of a cluster, old style and as the extension `envoy.cluster.dns`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::cluster::EndpointAddress;
use crate::net::Address;
use crate::proto::Reader;

/// Which addresses of a name are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv6; IPv4 when there is none.
    Auto,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// IPv4; IPv6 when there is none.
    V4Preferred,
    /// Both.
    All,
}

/// Servers to ask, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsServers {
    /// Servers; empty for those of the system.
    pub servers: Vec<SocketAddr>,
    /// Over TCP only.
    pub tcp: bool,
    /// Without the search domains of the system.
    pub no_search: bool,
}

/// Everything about lookups.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsConfig {
    /// One host at the first address, instead of one for every address.
    pub logical: bool,
    /// Addresses wanted.
    pub family: Family,
    /// Time between lookups (5 s).
    pub refresh: Duration,
    /// Lower bound of the time between lookups when the time to live decides.
    pub min_refresh: Duration,
    /// The time to live of the answer replaces `refresh`.
    pub respect_ttl: bool,
    /// Up to this much is added to the time between lookups.
    pub jitter: Duration,
    /// Back-off after failures: first and longest time; none for `refresh`.
    pub failure: Option<(Duration, Duration)>,
    /// Servers to ask.
    pub servers: DnsServers,
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn rate(reader: &Reader<'_>, field: &str) -> Option<Duration> {
    let rate = reader.duration(field);
    if rate.is_some_and(|rate| rate <= MILLISECOND) {
        reader.defect(field, "must be longer than a millisecond");
    }
    rate
}

fn failure_rate(reader: Option<Reader<'_>>) -> Option<(Duration, Duration)> {
    let reader = reader?;
    reader.need("base_interval")?.ignore_all(); // A duration, read below.
    let base = rate(&reader, "base_interval")?;
    let longest = rate(&reader, "max_interval").unwrap_or(base * 10);
    if longest < base {
        reader.defect("max_interval", "must be greater than or equal to base_interval");
    }
    Some((base, longest))
}

impl DnsServers {
    fn add(&mut self, addresses: &[Reader<'_>]) {
        for address in addresses {
            let Some(read) = EndpointAddress::read(address) else { continue };
            match read.known().and_then(Address::socket) {
                Some(socket) => self.servers.push(socket),
                None => address.defect("", "a DNS server must be an IP address"),
            }
        }
    }

    fn options(&mut self, reader: Option<Reader<'_>>) {
        if let Some(reader) = reader {
            self.tcp |= reader.flag("use_tcp_for_dns_lookups");
            self.no_search |= reader.flag("no_default_search_domain");
        }
    }

    /// Reads `typed_dns_resolver_config`.
    fn typed(&mut self, reader: Option<Reader<'_>>) {
        let Some(reader) = reader else { return };
        reader.ignore(&["name"]); // The type of the configuration decides.
        let Some((name, config)) = reader.any("typed_config") else { return };
        match name.rsplit('.').next() {
            Some("CaresDnsResolverConfig") => {
                self.add(&config.list("resolvers"));
                self.options(config.message("dns_resolver_options"));
                // Tuning of the library c-ares, which is not used here.
                config.ignore(&[
                    "udp_max_queries",
                    "edns0_max_payload_size",
                    "max_udp_channel_duration",
                    "reinit_channel_on_timeout",
                    "qcache_max_ttl",
                    "rotate_nameservers",
                    "query_timeout_seconds",
                    "query_tries",
                ]);
            }
            // Threads and retries of the C library's resolver, which is not used here.
            Some("GetAddrInfoDnsResolverConfig") => config.ignore(&["num_retries", "num_resolver_threads"]),
            _ => config.defect("", format!("the proxy does not have the DNS resolver {name}")),
        }
    }
}

impl DnsConfig {
    /// Reads the fields of a cluster of type `STRICT_DNS` or `LOGICAL_DNS`.
    pub fn read(cluster: &Reader<'_>, logical: bool) -> Self {
        let mut servers = DnsServers::default();
        servers.add(&cluster.list("dns_resolvers"));
        servers.tcp = cluster.flag("use_tcp_for_dns_lookups");
        if let Some(resolution) = cluster.message("dns_resolution_config") {
            servers.add(&resolution.list("resolvers"));
            servers.options(resolution.message("dns_resolver_options"));
        }
        servers.typed(cluster.message("typed_dns_resolver_config"));
        Self {
            logical,
            family: Self::family(&cluster.word("dns_lookup_family")),
            refresh: rate(cluster, "dns_refresh_rate").unwrap_or(Duration::from_secs(5)),
            min_refresh: MILLISECOND,
            respect_ttl: cluster.flag("respect_dns_ttl"),
            jitter: cluster.duration("dns_jitter").unwrap_or_default(),
            failure: failure_rate(cluster.message("dns_failure_refresh_rate")),
            servers,
        }
    }

    /// Reads `envoy.extensions.clusters.dns.v3.DnsCluster`.
    pub fn read_extension(config: &Reader<'_>) -> Self {
        let mut servers = DnsServers::default();
        servers.typed(config.message("typed_dns_resolver_config"));
        Self {
            logical: config.flag("all_addresses_in_single_endpoint"),
            family: Self::family(&config.word("dns_lookup_family")),
            refresh: rate(config, "dns_refresh_rate").unwrap_or(Duration::from_secs(5)),
            min_refresh: config.duration("dns_min_refresh_rate").unwrap_or(MILLISECOND),
            respect_ttl: config.flag("respect_dns_ttl"),
            jitter: config.duration("dns_jitter").unwrap_or_default(),
            failure: failure_rate(config.message("dns_failure_refresh_rate")),
            servers,
        }
    }

    fn family(word: &str) -> Family {
        match word {
            "V4_ONLY" => Family::V4,
            "V6_ONLY" => Family::V6,
            "V4_PREFERRED" => Family::V4Preferred,
            "ALL" => Family::All,
            _ => Family::Auto,
        }
    }

    /// Time until the next lookup. `ttl` is none after a failure, `failures` counts those in a row, `random` is anything.
    pub fn pause(&self, ttl: Option<Duration>, failures: u32, random: u64) -> Duration {
        let spread = |most: Duration| {
            let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
            Duration::from_nanos(random % nanos.max(1))
        };
        match (ttl, self.failure) {
            (Some(ttl), _) if self.respect_ttl && !ttl.is_zero() => ttl.max(self.min_refresh) + spread(self.jitter),
            (None, Some((base, longest))) if failures > 0 => {
                // Fully jittered and at least a millisecond, like Envoy's back-off.
                let most = base.saturating_mul(1 << (failures - 1).min(20)).min(longest);
                spread(most).max(MILLISECOND)
            }
            _ => self.refresh + spread(self.jitter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> DnsConfig {
        DnsConfig {
            logical: false,
            family: Family::Auto,
            refresh: Duration::from_secs(5),
            min_refresh: Duration::from_secs(2),
            respect_ttl: true,
            jitter: Duration::ZERO,
            failure: Some((Duration::from_secs(1), Duration::from_secs(4))),
            servers: DnsServers::default(),
        }
    }

    #[test]
    fn the_time_to_live_decides_within_bounds() {
        let config = config();
        assert_eq!(config.pause(Some(Duration::from_secs(30)), 0, 7), Duration::from_secs(30));
        assert_eq!(config.pause(Some(Duration::from_secs(1)), 0, 7), Duration::from_secs(2));
        assert_eq!(config.pause(Some(Duration::ZERO), 0, 7), Duration::from_secs(5));
    }

    #[test]
    fn failures_back_off_up_to_the_longest() {
        let config = config();
        for failures in 1..40 {
            for random in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
                let pause = config.pause(None, failures, random);
                assert!(pause >= MILLISECOND && pause <= Duration::from_secs(4), "{failures} {pause:?}");
            }
        }
        let none = DnsConfig { failure: None, ..config };
        assert_eq!(none.pause(None, 3, 9), Duration::from_secs(5));
    }
}
