//! Placements that Envoy 1.40 makes, and properties that hold for every balancer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};
use twox_hash::XxHash64;

use super::{Balancer, Consistent, LbConfig, LbStats, LeastRequest, MaglevConfig, PeakEwma, Policy, RingHashConfig};
use crate::cluster::host::flag;
use crate::cluster::hosts::{PriorityHosts, Shape};
use crate::cluster::testing::{apply, build, read};
use crate::cluster::{Choice, Cluster, Endpoint, Host, Locality};
use crate::telemetry::stats::{Scope, Stats};

const WEIGHTS: [u32; 5] = [1, 2, 3, 1, 5];

/// Five hosts at ports 21001 to 21005 with those weights.
fn five(extra: &Value, hash_keys: bool, hostnames: bool) -> Value {
    let endpoint = |(index, weight): (usize, &u32)| {
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": 21001 + index}});
        let mut endpoint = json!({"endpoint": {"address": address}, "load_balancing_weight": weight});
        if hostnames {
            endpoint["endpoint"]["hostname"] = json!(format!("host-{index}.example"));
        }
        if hash_keys && index % 2 == 0 {
            endpoint["metadata"] = json!({"filter_metadata": {"envoy.lb": {"hash_key": format!("key-{index}")}}});
        }
        endpoint
    };
    let endpoints: Vec<Value> = WEIGHTS.iter().enumerate().map(endpoint).collect();
    let mut cluster =
        json!({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [{"lb_endpoints": endpoints}]}});
    for (key, value) in extra.as_object().unwrap() {
        cluster[key] = value.clone();
    }
    cluster
}

/// The host that each of 64 keys goes to, by the last digit of its port.
fn placement(cluster: &Cluster) -> String {
    let place = |key: u32| {
        let hash = Some(XxHash64::oneshot(0, format!("key{key}").as_bytes()));
        let host = cluster.pick(&Choice { hash, ..Choice::default() }).unwrap();
        char::from_digit(u32::from(host.address.port().unwrap()) - 21000, 10).unwrap()
    };
    (0..64).map(place).collect()
}

#[tokio::test]
async fn keys_go_where_envoy_sends_them() {
    let by_name = json!({"consistent_hashing_lb_config": {"use_hostname_for_hashing": true}});
    let extension = json!({
        "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev",
        "table_size": 499, "consistent_hashing_lb_config": {"use_hostname_for_hashing": true}});
    let cases = [
        (
            five(&json!({"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": 1024}}), false, false),
            "5521553355432243555233233523233333352251553233113155333234354453",
        ),
        (
            five(
                &json!({"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": 1, "maximum_ring_size": 17}}),
                false,
                false,
            ),
            "2253323322233431423224225235232224223253325322232223252343353435",
        ),
        (
            five(
                &json!({"lb_policy": "RING_HASH",
                        "ring_hash_lb_config": {"minimum_ring_size": 100, "hash_function": "MURMUR_HASH_2"}}),
                false,
                false,
            ),
            "2235554555535212355155525555535523515555342522255543521553535555",
        ),
        (
            five(&json!({"lb_policy": "MAGLEV"}), false, false),
            "4255533341552545253355543555355355352533312133335543553553353551",
        ),
        (
            five(&json!({"lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": 101}}), true, false),
            "1522232555324535555544523433332333533412255555452353253532425552",
        ),
        (
            five(&json!({"lb_policy": "RING_HASH", "type": "STRICT_DNS", "common_lb_config": by_name}), true, true),
            "5223355253252312533515555222121155433535152311552233521352335353",
        ),
        (
            five(
                &json!({"load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "m", "typed_config": extension}}]}}),
                false,
                true,
            ),
            "5353544355332353253253411352355313533225533423245533351333355513",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(placement(&apply(&config, &build())), expected, "{config}");
    }
}

#[tokio::test]
async fn configurations_that_envoy_refuses_are_refused() {
    for (extra, path) in [
        (json!({"lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": 100}}), "maglev_lb_config.table_size"),
        (
            json!({"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": 5, "maximum_ring_size": 4}}),
            "ring_hash_lb_config.minimum_ring_size",
        ),
        (
            json!({"lb_policy": "RING_HASH",
                   "common_lb_config": {"consistent_hashing_lb_config": {"use_hostname_for_hashing": true}}}),
            "common_lb_config.consistent_hashing_lb_config",
        ),
        (json!({"lb_policy": "LOAD_BALANCING_POLICY_CONFIG"}), "load_balancing_policy"),
    ] {
        let defects = read(&five(&extra, false, false), &build()).unwrap_err();
        assert_eq!(defects[0].path, path, "{defects:?}");
    }
}

#[tokio::test]
async fn unknown_policies_are_passed_over() {
    let unknown =
        json!({"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin"});
    let random = json!({"@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random"});
    let pick_first = json!({"@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster"});
    let named = |config: &Value| json!({"typed_extension_config": {"name": "x", "typed_config": config}});
    let policy = json!({"policies": [named(&pick_first), named(&random), named(&unknown)]});
    let config = read(&five(&json!({"load_balancing_policy": policy}), false, false), &build()).unwrap();
    assert_eq!(config.settings.lb.policy, Policy::Random);
}

fn policies() -> Vec<Policy> {
    let consistent = Consistent::default();
    vec![
        Policy::RoundRobin(None),
        Policy::LeastRequest(LeastRequest::plain()),
        Policy::LeastRequest(LeastRequest { scan: true, ..LeastRequest::plain() }),
        Policy::Random,
        Policy::PeakEwma(PeakEwma {
            decay: std::time::Duration::from_secs(10),
            initial: std::time::Duration::from_millis(10),
        }),
        Policy::RingHash(RingHashConfig { min: 256, max: 8192, murmur: false, consistent }),
        Policy::Maglev(MaglevConfig { size: 1009, consistent }),
    ]
}

fn hosts(weights: &[u32]) -> Vec<Arc<Host>> {
    let host = |(index, weight): (usize, &u32)| {
        let address: SocketAddr = format!("10.0.0.1:{}", index + 1).parse().unwrap();
        let endpoint = Endpoint { weight: *weight, ..Endpoint::at(address) };
        Arc::new(Host::new(&endpoint, &Locality::default(), 0).unwrap())
    };
    weights.iter().enumerate().map(host).collect()
}

fn level(hosts: &[Arc<Host>]) -> PriorityHosts {
    let own = Locality::default();
    PriorityHosts::new(hosts, &BTreeMap::new(), Shape { overprovisioning: 140, weighted: false, own: &own })
}

fn stats() -> LbStats {
    LbStats::new(&Scope::root(&Stats::default()))
}

fn balancer(policy: Policy, levels: &[PriorityHosts], stats: &LbStats) -> Balancer {
    Balancer::new(&LbConfig::of(policy), levels, &Locality::default(), stats)
}

/// Ports of many picks with different hashes and random numbers.
fn picks(balancer: &Balancer, stats: &LbStats, count: u64) -> Vec<u16> {
    let pick = |turn: u64| {
        let number = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let choice = Choice { hash: Some(number), random: number, ..Choice::default() };
        balancer.pick(&choice, stats).and_then(|host| host.address.port())
    };
    (0..count).filter_map(pick).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_unhealthy_host_is_picked_outside_panic(health in prop::collection::vec(any::<bool>(), 1..10)) {
        let all = hosts(&vec![1; health.len()]);
        for (host, well) in all.iter().zip(&health) {
            if !well {
                host.set(flag::FAILED_EDS_HEALTH);
            }
        }
        let well = health.iter().filter(|well| **well).count();
        for policy in policies() {
            let stats = stats();
            let picked = picks(&balancer(policy.clone(), &[level(&all)], &stats), &stats, 300);
            prop_assert_eq!(picked.len(), 300, "someone takes every request: {:?}", policy);
            if well * 2 >= health.len() {
                prop_assert!(picked.iter().all(|port| health[usize::from(*port) - 1]), "{:?}", policy);
            } else {
                prop_assert!(stats.healthy_panic.value() > 0);
            }
        }
    }

    #[test]
    fn weights_are_respected(weights in prop::collection::vec(1u32..6, 2..6)) {
        let all = hosts(&weights);
        let sum: u32 = weights.iter().sum();
        for policy in policies() {
            // These two do not look at weights alone: Random does not at all, peak EWMA compares costs.
            if matches!(policy, Policy::Random | Policy::PeakEwma(_) | Policy::LeastRequest(LeastRequest { scan: true, .. })) {
                continue;
            }
            let stats = stats();
            let picked = picks(&balancer(policy.clone(), &[level(&all)], &stats), &stats, 6000);
            for (index, weight) in weights.iter().enumerate() {
                let count = picked.iter().filter(|port| usize::from(**port) == index + 1).count();
                let share = f64::from(u32::try_from(count).unwrap()) / 6000.0;
                let due = f64::from(*weight) / f64::from(sum);
                // A ring of a few hundred places is uneven by its nature.
                let slack = if matches!(policy, Policy::RingHash(_)) { 0.12 } else { 0.03 };
                prop_assert!((share - due).abs() < slack, "{:?}: host {} has {}, not {}", policy, index, share, due);
            }
        }
    }

    #[test]
    fn a_removed_host_moves_few_others(count in 3usize..12, removed in 0usize..12) {
        let removed = removed % count;
        let all = hosts(&vec![1; count]);
        let mut fewer = all.clone();
        let gone = fewer.remove(removed).address.port().unwrap();
        for policy in policies().split_off(5) {
            let stats = stats();
            let maglev = matches!(policy, Policy::Maglev(_));
            let before = picks(&balancer(policy.clone(), &[level(&all)], &stats), &stats, 2000);
            let after = picks(&balancer(policy, &[level(&fewer)], &stats), &stats, 2000);
            let moved = before.iter().zip(&after).filter(|(before, after)| **before != gone && before != after).count();
            // A ring moves only what the host had; but the places of others follow their share of the ring.
            let most = if maglev { 2000 * 35 / 100 } else { 2000 * 45 / 100 };
            prop_assert!(moved < most, "{} moved", moved);
        }
    }

    #[test]
    fn load_overflows_to_the_next_priority(well in 0usize..=10) {
        let (first, second) = (hosts(&[1; 10]), hosts(&[1; 10]));
        for host in &first[well..] {
            host.set(flag::FAILED_ACTIVE_HC);
        }
        let loads = super::priority::Loads::new(&[level(&first), level(&second)], 50.0);
        let expected = u32::try_from(well * 14).unwrap().min(100);
        prop_assert_eq!(&loads.healthy, &vec![expected, 100 - expected]);
        prop_assert!(loads.panic.iter().all(|panic| !panic), "the second priority has enough");
    }
}

#[tokio::test]
async fn least_request_and_peak_ewma_avoid_the_busy_one() {
    let all = hosts(&[1, 1]);
    all[0].active.store(50, Ordering::Relaxed);
    for policy in
        policies().into_iter().filter(|policy| matches!(policy, Policy::LeastRequest(_) | Policy::PeakEwma(_)))
    {
        let stats = stats();
        let scan = matches!(&policy, Policy::LeastRequest(least) if least.scan);
        let ewma = matches!(policy, Policy::PeakEwma(_));
        let picked = picks(&balancer(policy, &[level(&all)], &stats), &stats, 400);
        let busy = picked.iter().filter(|port| **port == 1).count();
        // Two choices with repetition take the busy host twice a quarter of the time.
        assert!(if scan || ewma { busy == 0 } else { busy < 140 }, "{busy}");
    }
}

#[tokio::test]
async fn locality_weights_and_their_health_decide() {
    let (near, far) = (Locality::new("r", "near", ""), Locality::new("r", "far", ""));
    let host = |port: u16, locality: &Locality| {
        let address = SocketAddr::from(([10, 0, 0, 1], port));
        Arc::new(Host::new(&Endpoint::at(address), locality, 0).unwrap())
    };
    let all = [host(1, &near), host(2, &near), host(3, &far), host(4, &far)];
    let weights = BTreeMap::from([(near.clone(), 3), (far.clone(), 1)]);
    let shape = Shape { overprovisioning: 100, weighted: false, own: &near };
    let config = LbConfig { locality: super::LocalityPolicy::Weighted, ..LbConfig::of(Policy::RoundRobin(None)) };
    let share = || {
        let (stats, levels) = (stats(), [PriorityHosts::new(&all, &weights, shape)]);
        let picked = picks(&Balancer::new(&config, &levels, &near, &stats), &stats, 1200);
        picked.iter().filter(|port| **port <= 2).count()
    };
    assert_eq!(share(), 900);
    all[0].set(flag::FAILED_OUTLIER_CHECK);
    assert_eq!(share(), 720, "half of the weight of 3 against 1");
}

#[tokio::test]
async fn a_bound_sends_the_overflow_elsewhere() {
    let all = hosts(&[1, 1, 1]);
    let consistent = Consistent { hostname: false, balance: Some(120) };
    let policy = Policy::Maglev(MaglevConfig { size: 1009, consistent });
    let stats = stats();
    let balancer = balancer(policy, &[level(&all)], &stats);
    let choice = Choice { hash: Some(42), ..Choice::default() };
    let home = balancer.pick(&choice, &stats).unwrap();
    home.active.store(9, Ordering::Relaxed);
    let other = balancer.pick(&choice, &stats).unwrap();
    assert!(!Arc::ptr_eq(&home, &other));
    assert!(Arc::ptr_eq(&other, &balancer.pick(&choice, &stats).unwrap()), "the same every time");
}
