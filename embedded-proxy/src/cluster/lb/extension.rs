//! `load_balancing_policy`: a list of extensions, of which the first that is known counts.

use std::sync::Arc;

use crate::proto::Reader;

use super::hashed::Consistent;
use super::least_request::LeastRequest;
use super::listed::ListedHosts;
use super::maglev::MaglevConfig;
use super::peak_ewma::PeakEwma;
use super::policy::{LbConfig, LocalityPolicy, Policy, zone_aware};
use super::ring_hash::RingHashConfig;
use super::slow_start::SlowStart;
use super::subset::SubsetConfig;

const PACKAGE: &str = "envoy.extensions.load_balancing_policies.";

/// Reads `LoadBalancingPolicy`. None: a defect was noted.
pub(super) fn read(policies: &Reader<'_>, threshold: f64) -> Option<LbConfig> {
    let list = policies.list("policies");
    let mut chosen = None;
    for policy in &list {
        let extension = policy.message("typed_extension_config");
        if chosen.is_some() {
            // Only the first known policy counts; the others are for proxies that do not know it.
            if let Some(extension) = extension {
                extension.ignore_all();
            }
            continue;
        }
        let Some(extension) = extension else { continue };
        extension.ignore(&["name"]); // The type of the configuration decides.
        let name = extension.message("typed_config").map(|any| {
            any.ignore_all();
            any.text("type_url")
        });
        let kind = name.as_deref().and_then(kind);
        if let Some(kind) = kind {
            let (_, config) = extension.any("typed_config")?;
            chosen = Some(one(kind, &config, threshold)?);
        } else if list.len() == 1 {
            let name = name.unwrap_or_default();
            extension.defect("typed_config", format!("the proxy does not have the load balancing policy {name:?}"));
            return None;
        }
    }
    if chosen.is_none() {
        policies.defect("policies", "the proxy has none of these load balancing policies");
    }
    chosen
}

/// The known policies by the last part of their type.
fn kind(url: &str) -> Option<&'static str> {
    let name = url.rsplit('/').next().unwrap_or_default();
    let name = name.strip_prefix(PACKAGE)?.rsplit('.').next()?;
    let known = [
        "RoundRobin",
        "LeastRequest",
        "Random",
        "RingHash",
        "Maglev",
        "PeakEwma",
        "Subset",
        "WrrLocality",
        "OverrideHost",
        "ClusterProvided",
    ];
    known.into_iter().find(|known| *known == name)
}

fn one(kind: &str, config: &Reader<'_>, threshold: f64) -> Option<LbConfig> {
    let mut lb = match kind {
        "RoundRobin" => located(Policy::RoundRobin(SlowStart::read(config)), config),
        "LeastRequest" => located(Policy::LeastRequest(LeastRequest::read(config, true)), config),
        "Random" => located(Policy::Random, config),
        "RingHash" => {
            let policy = RingHashConfig::read(Some(config), consistent(config, true))?;
            weighted(LbConfig::of(Policy::RingHash(policy)), config)
        }
        "Maglev" => {
            let policy = MaglevConfig::read(Some(config), consistent(config, false))?;
            weighted(LbConfig::of(Policy::Maglev(policy)), config)
        }
        "PeakEwma" => LbConfig::of(Policy::PeakEwma(PeakEwma::read(config))),
        "Subset" => {
            let child = read(&config.need("subset_lb_policy")?, threshold)?;
            let redundant = config.flag("allow_redundant_keys");
            LbConfig::of(Policy::Subset(Box::new(SubsetConfig::read(config, child, redundant))))
        }
        "WrrLocality" => {
            let child = read(&config.need("endpoint_picking_policy")?, threshold)?;
            LbConfig { locality: LocalityPolicy::Weighted, ..child }
        }
        "OverrideHost" => {
            let listed = ListedHosts::read(config);
            let child = read(&config.need("fallback_policy")?, threshold)?;
            LbConfig { listed: Some(Arc::new(listed?)), ..child }
        }
        _ => LbConfig::of(Policy::Provided),
    };
    lb.panic_threshold = threshold;
    Some(lb)
}

/// Adds what `locality_lb_config` says.
fn located(policy: Policy, config: &Reader<'_>) -> LbConfig {
    let mut lb = LbConfig::of(policy);
    if let Some(locality) = config.message("locality_lb_config") {
        if locality.message("locality_weighted_lb_config").is_some() {
            lb.locality = LocalityPolicy::Weighted;
        }
        if let Some(zone) = locality.message("zone_aware_lb_config") {
            // Like the rest of zone aware routing these have no effect without a local cluster.
            zone.ignore(&["force_locality_direct_routing", "force_local_zone", "locality_basis"]);
            lb.fail_on_panic = zone_aware(&zone);
        }
    }
    lb
}

fn weighted(lb: LbConfig, config: &Reader<'_>) -> LbConfig {
    match config.message("locality_weighted_lb_config") {
        Some(_) => LbConfig { locality: LocalityPolicy::Weighted, ..lb },
        None => lb,
    }
}

/// Reads what both hashing policies have; the older fields of ring hash count only when the message is not there.
fn consistent(config: &Reader<'_>, older: bool) -> Consistent {
    let message = config.message("consistent_hashing_lb_config");
    let read = Consistent::read(message.as_ref());
    if !older {
        return read;
    }
    let (hostname, balance) = (config.flag("use_hostname_for_hashing"), config.u32("hash_balance_factor"));
    if message.is_some() { read } else { Consistent { hostname, balance: balance.filter(|balance| *balance > 0) } }
}
