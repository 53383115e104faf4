//! Load balancing of DestinationRules.

use std::collections::BTreeMap;

use super::traffic::{count, period};
use crate::dialects::istio::types as istio;
use crate::ir::{Algorithm, Balancing, HashKey, HashTable, LocalityPreference, Name, Origin, Warmup};
use crate::schema::{Int, List, Text, values::text_or_empty};

/// The choice of the endpoint.
pub fn balancing(settings: &istio::LoadBalancerSettings, origin: Origin) -> Balancing {
    let simple = settings.simple.as_ref().and_then(|simple| match simple.value {
        istio::SimpleLb::Unspecified => None,
        istio::SimpleLb::LeastConn | istio::SimpleLb::LeastRequest => Some(Algorithm::LeastRequest),
        istio::SimpleLb::Random => Some(Algorithm::Random),
        istio::SimpleLb::Passthrough => Some(Algorithm::Original),
        istio::SimpleLb::RoundRobin => Some(Algorithm::RoundRobin),
    });
    let duration = settings.warmup.as_ref().and_then(|warmup| warmup.duration.as_ref());
    let warmup = period(duration.or(settings.warmup_duration_secs.as_ref())).map(|duration| Warmup {
        duration,
        minimum_percent: settings.warmup.as_ref().and_then(|warmup| rounded(warmup.minimum_percent.as_ref(), 1.0)),
        aggression_milli: settings.warmup.as_ref().and_then(|warmup| rounded(warmup.aggression.as_ref(), 1000.0)),
    });
    Balancing {
        origin,
        algorithm: settings.consistent_hash.as_ref().map(hash).or(simple),
        warmup,
        locality: settings.locality_lb_setting.as_deref().map(locality),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn rounded(number: Option<&crate::schema::Number>, scale: f64) -> Option<u32> {
    number.map(|number| (number.value * scale).clamp(0.0, f64::from(u32::MAX)).round() as u32)
}

fn hash(hash: &istio::ConsistentHashLb) -> Algorithm {
    let name = |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.as_str()));
    let header = name(&hash.http_header_name).map(HashKey::Header);
    let query = name(&hash.http_query_parameter_name).map(HashKey::Query);
    let source = hash.use_source_ip.as_ref().filter(|flag| flag.value).map(|_| HashKey::SourceAddress);
    let cookie = hash.http_cookie.as_ref().map(|cookie| HashKey::Cookie {
        name: text_or_empty(cookie.name.as_ref()).into(),
        path: text_or_empty(cookie.path.as_ref()).into(),
        ttl: period(cookie.ttl.as_ref()),
        attributes: cookie
            .attributes
            .iter()
            .map(|one| (text_or_empty(one.name.as_ref()).into(), text_or_empty(one.value.as_ref()).into()))
            .collect(),
    });
    let size = |number: Option<&Int>| count(number).filter(|size| *size > 0).map(u64::from);
    let ring = hash.ring_hash.as_ref().and_then(|ring| ring.minimum_ring_size.as_ref());
    let table = match &hash.maglev {
        Some(maglev) => HashTable::Maglev(size(maglev.table_size.as_ref())),
        None => HashTable::Ring(size(ring.or(hash.minimum_ring_size.as_ref()))),
    };
    Algorithm::Hash { keys: [header, cookie, source, query].into_iter().flatten().collect(), table }
}

fn locality(setting: &istio::LocalityLbSetting) -> LocalityPreference {
    if setting.enabled.as_ref().is_some_and(|enabled| !enabled.value) {
        return LocalityPreference::Off;
    }
    if !setting.distribute.is_empty() {
        let shares = |to: &crate::schema::Map<Int>| -> BTreeMap<Name, u32> {
            to.iter().filter_map(|(place, share)| Some((place.as_str().into(), count(Some(share))?))).collect()
        };
        let from = |text: &Option<Text>| Name::from(text_or_empty(text.as_ref()));
        let distribute = setting.distribute.iter().map(|one| (from(&one.from), shares(&one.to)));
        return LocalityPreference::Distribute(distribute.collect());
    }
    let labels: &List<Text> = &setting.failover_priority;
    if !labels.is_empty() {
        return LocalityPreference::FailoverByLabels(labels.iter().map(|label| label.as_str().into()).collect());
    }
    let pair = |one: &istio::LocalityFailover| {
        (text_or_empty(one.from.as_ref()).into(), text_or_empty(one.to.as_ref()).into())
    };
    LocalityPreference::Failover(setting.failover.iter().map(pair).collect())
}
