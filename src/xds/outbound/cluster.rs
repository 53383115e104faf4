//! Clusters of a service: one a port, one a port and subset.

use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster, UpstreamConnectionOptions,
    cluster::{
        ClusterDiscoveryType, DiscoveryType, DnsLookupFamily, EdsClusterConfig, LbConfig, LbPolicy,
        LeastRequestLbConfig, MaglevLbConfig, RingHashLbConfig, RoundRobinLbConfig, SlowStartConfig,
        common_lb_config::{LocalityConfigSpecifier, LocalityWeightedLbConfig},
    },
};
use envoy_types::pb::envoy::config::core::v3::RuntimeDouble;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;

use super::super::proto::{any, duration, of_origin, ordered, wide_number};
use super::super::{Kind, Resource, Snapshot, View};
use super::{endpoints, limits, name, ports, tls};
use crate::ir::{
    Algorithm, HashTable, LocalityPreference, Pool, Resolution, Service, ServicePort, Subset, TrafficPolicy,
};

/// The key of protocol options.
pub const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// All clusters of a service.
pub fn clusters(view: &View<'_>, service: &Service, out: &mut Snapshot) {
    let policy = view.destination(service);
    let subsets = policy.map(|policy| policy.subsets.as_slice()).unwrap_or_default();
    for port in ports(service) {
        let all = std::iter::once(None).chain(subsets.iter().map(Some));
        for subset in all {
            let cluster = cluster(view, service, port, subset.map(|subset| &**subset));
            let mut origins = vec![port.origin.clone()];
            origins.extend(policy.map(|policy| policy.origin.clone()));
            origins.extend(subset.map(|subset| subset.origin.clone()));
            origins.reverse();
            out.insert(Kind::Cluster, Resource::new(cluster.name.clone(), &cluster, origins));
        }
    }
}

fn cluster(view: &View<'_>, service: &Service, port: &ServicePort, subset: Option<&Subset>) -> Cluster {
    let subset_name = subset.map(|subset| &*subset.name);
    let policy = view.traffic(service, subset_name, port.number);
    let name = name::cluster(port.number, subset_name, &service.key.name);
    let pool = policy.pool.clone().unwrap_or_default();
    let sni = sni(port.number, subset_name, &service.key.name);
    let mut cluster = Cluster {
        name: name.clone(),
        connect_timeout: Some(duration(pool.connect_timeout.unwrap_or(view.mesh.settings.connect_timeout))),
        circuit_breakers: Some(limits::circuit_breakers(&policy)),
        metadata: view.destination(service).and_then(|policy| of_origin(&policy.origin)),
        ..Cluster::default()
    };
    discover(view, service, port, subset, &mut cluster);
    balance(&policy, service, &mut cluster);
    if let Some(outlier) = &policy.outlier {
        let (detection, panic) = limits::outlier(outlier);
        cluster.outlier_detection = Some(detection);
        let common = cluster.common_lb_config.get_or_insert_default();
        common.healthy_panic_threshold = Some(limits::percent(panic.unwrap_or(0.0)));
    }
    match tls::sockets(view, service, policy.tls.as_ref(), port.protocol, &sni) {
        tls::Sockets::One(socket) => cluster.transport_socket = socket,
        tls::Sockets::ByEndpoint(matches) => cluster.transport_socket_matches = matches,
    }
    connections(port, &pool, &mut cluster);
    cluster
}

/// `outbound_.9080_._.reviews.default.svc.cluster.local`: how the server name says port, subset and host.
fn sni(port: u16, subset: Option<&str>, host: &str) -> String {
    format!("outbound_.{port}_.{}_.{host}", subset.unwrap_or_default())
}

fn connections(port: &ServicePort, pool: &Pool, cluster: &mut Cluster) {
    if let Some(options) = limits::http_options(port.protocol, pool) {
        cluster.typed_extension_protocol_options = ordered([(HTTP_OPTIONS.to_owned(), any(&options))]);
    }
    cluster.upstream_connection_options = limits::keepalive(pool)
        .map(|keepalive| UpstreamConnectionOptions { tcp_keepalive: Some(keepalive), ..Default::default() });
}

/// How the endpoints come to the proxy.
#[allow(deprecated, reason = "every Envoy reads these fields of DNS, the newer extension only new ones")]
fn discover(view: &View<'_>, service: &Service, port: &ServicePort, subset: Option<&Subset>, cluster: &mut Cluster) {
    let kind = match service.resolution {
        Resolution::Endpoints | Resolution::Headless => {
            let has_names = view.mesh.endpoints.get(&service.key).is_some_and(|endpoints| {
                endpoints.iter().any(|endpoint| matches!(endpoint.address, crate::ir::EndpointAddress::Dns(_)))
            });
            if has_names { DiscoveryType::StrictDns } else { DiscoveryType::Eds }
        }
        Resolution::Dns => DiscoveryType::StrictDns,
        Resolution::DnsRoundRobin => DiscoveryType::LogicalDns,
        Resolution::Original => DiscoveryType::OriginalDst,
    };
    cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(kind.into()));
    match kind {
        DiscoveryType::Eds => {
            cluster.eds_cluster_config = Some(EdsClusterConfig {
                eds_config: Some(tls::ads()),
                // The name of the assignment is that of the cluster.
                service_name: String::new(),
            });
        }
        DiscoveryType::StrictDns | DiscoveryType::LogicalDns => {
            cluster.load_assignment = Some(ClusterLoadAssignment {
                cluster_name: cluster.name.clone(),
                endpoints: endpoints::localities(view, service, port, subset),
                ..ClusterLoadAssignment::default()
            });
            cluster.dns_lookup_family = DnsLookupFamily::V4Preferred.into();
            cluster.dns_refresh_rate = Some(duration(view.mesh.settings.dns_refresh));
            cluster.respect_dns_ttl = true;
        }
        _ => {}
    }
}

fn balance(policy: &TrafficPolicy, service: &Service, cluster: &mut Cluster) {
    let algorithm = policy.balancing.as_ref().and_then(|balancing| balancing.algorithm.as_ref());
    let chosen = match algorithm {
        _ if service.resolution == Resolution::Original => LbPolicy::ClusterProvided,
        Some(Algorithm::Original) => {
            cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into()));
            cluster.eds_cluster_config = None;
            LbPolicy::ClusterProvided
        }
        Some(Algorithm::RoundRobin) => {
            cluster.lb_config = slow_start(policy).map(|slow_start_config| {
                LbConfig::RoundRobinLbConfig(RoundRobinLbConfig { slow_start_config: Some(slow_start_config) })
            });
            LbPolicy::RoundRobin
        }
        Some(Algorithm::Random) => LbPolicy::Random,
        // Envoy has no policy by response time without an extension; the load of an endpoint is the closest it knows.
        Some(Algorithm::LeastRequest | Algorithm::PeakEwma) | None => {
            cluster.lb_config = slow_start(policy).map(|slow_start_config| {
                LbConfig::LeastRequestLbConfig(LeastRequestLbConfig {
                    slow_start_config: Some(slow_start_config),
                    ..LeastRequestLbConfig::default()
                })
            });
            LbPolicy::LeastRequest
        }
        Some(Algorithm::Hash { table, .. }) => match table {
            HashTable::Ring(minimum) => {
                cluster.lb_config = Some(LbConfig::RingHashLbConfig(RingHashLbConfig {
                    minimum_ring_size: minimum.map(wide_number),
                    ..RingHashLbConfig::default()
                }));
                LbPolicy::RingHash
            }
            HashTable::Maglev(size) => {
                cluster.lb_config =
                    Some(LbConfig::MaglevLbConfig(MaglevLbConfig { table_size: size.map(wide_number) }));
                LbPolicy::Maglev
            }
        },
    };
    cluster.lb_policy = chosen.into();
    if let Some(LocalityPreference::Distribute(_)) =
        policy.balancing.as_ref().and_then(|balancing| balancing.locality.as_ref())
    {
        let weighted = LocalityConfigSpecifier::LocalityWeightedLbConfig(LocalityWeightedLbConfig {});
        cluster.common_lb_config.get_or_insert_default().locality_config_specifier = Some(weighted);
    }
}

/// New endpoints get less for a while.
fn slow_start(policy: &TrafficPolicy) -> Option<SlowStartConfig> {
    let warmup = policy.balancing.as_ref()?.warmup.as_ref()?;
    Some(SlowStartConfig {
        slow_start_window: Some(duration(warmup.duration)),
        aggression: warmup.aggression_milli.map(|milli| RuntimeDouble {
            default_value: f64::from(milli) / 1000.0,
            runtime_key: "slow_start.aggression".into(),
        }),
        min_weight_percent: warmup.minimum_percent.map(|percent| limits::percent(percent.into())),
    })
}

/// The clusters for addresses that no service has: on to where they were going, or nowhere.
pub fn fallbacks(view: &View<'_>, out: &mut Snapshot) {
    let connect_timeout = Some(duration(view.mesh.settings.connect_timeout));
    let passthrough = Cluster {
        name: "PassthroughCluster".into(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::OriginalDst.into())),
        lb_policy: LbPolicy::ClusterProvided.into(),
        connect_timeout,
        circuit_breakers: Some(limits::circuit_breakers(&TrafficPolicy::default())),
        typed_extension_protocol_options: limits::http_options(crate::ir::Protocol::Detect, &Pool::default())
            .map(|options| ordered([(HTTP_OPTIONS.to_owned(), any(&options))]))
            .unwrap_or_default(),
        ..Cluster::default()
    };
    let black_hole = Cluster {
        name: "BlackHoleCluster".into(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        connect_timeout,
        ..Cluster::default()
    };
    for cluster in [passthrough, black_hole] {
        out.insert(Kind::Cluster, Resource::new(cluster.name.clone(), &cluster, Vec::new()));
    }
}
