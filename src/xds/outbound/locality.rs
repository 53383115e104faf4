//! Preference by locality: which endpoints get traffic first, and how much.
//!
//! Nearest first needs outlier detection, as with Istio: without it a dead locality would keep its traffic.

use envoy_types::pb::envoy::config::endpoint::v3::LocalityLbEndpoints;

use super::super::View;
use super::super::proto::number;
use crate::ir::{Locality, LocalityPreference, Name, TrafficPolicy};

/// Puts priorities and weights on groups of endpoints.
pub fn apply(view: &View<'_>, policy: &TrafficPolicy, groups: &mut Vec<LocalityLbEndpoints>) {
    let own = &view.workload().locality;
    let preference = policy.balancing.as_ref().and_then(|balancing| balancing.locality.as_ref());
    match preference {
        Some(LocalityPreference::Distribute(shares)) => {
            let found = shares.iter().find(|(from, _)| matches(from, own));
            if let Some((_, to)) = found {
                distribute(to, groups);
            }
        }
        Some(LocalityPreference::Failover(regions)) if policy.outlier.is_some() => nearest(own, regions, groups),
        None if policy.outlier.is_some() && view.mesh.settings.locality_balancing => nearest(own, &[], groups),
        _ => {}
    }
}

/// True for a locality within a pattern: `region/zone/*`, `region/*`, `region`, `*`.
fn matches(pattern: &str, place: &Locality) -> bool {
    let parts = [&place.region, &place.zone, &place.sub_zone];
    pattern.split('/').zip(parts).all(|(pattern, part)| pattern == "*" || *pattern == **part)
}

/// Shares by pattern; what no pattern has gets nothing.
fn distribute(to: &std::collections::BTreeMap<Name, u32>, groups: &mut Vec<LocalityLbEndpoints>) {
    let share = |group: &LocalityLbEndpoints| {
        let place = place(group);
        to.iter().find(|(pattern, _)| matches(pattern, &place)).map(|(pattern, share)| (pattern.clone(), *share))
    };
    let sums = groups.iter().filter_map(|group| Some((share(group)?.0, weight(group))));
    let mut total: std::collections::BTreeMap<Name, u64> = std::collections::BTreeMap::new();
    for (pattern, weight) in sums {
        *total.entry(pattern).or_default() += u64::from(weight);
    }
    groups.retain_mut(|group| {
        let Some((pattern, share)) = share(group) else { return false };
        // Groups within one pattern share it by their own weights.
        let part =
            u64::from(share) * 1000 * u64::from(weight(group)) / total.get(&pattern).copied().unwrap_or(1).max(1);
        group.load_balancing_weight = Some(number(u32::try_from(part).unwrap_or(u32::MAX).max(1)));
        share > 0
    });
}

/// Priority 0 for the caller's own sub-zone, then zone, then region, then the regions that take over, then the rest.
fn nearest(own: &Locality, regions: &[(Name, Name)], groups: &mut [LocalityLbEndpoints]) {
    if own.is_empty() {
        return;
    }
    let distance = |place: &Locality| -> u32 {
        if place.region != own.region {
            let takes_over = |(from, to): &(Name, Name)| *from == own.region && *to == place.region;
            return if regions.iter().any(takes_over) { 3 } else { 4 };
        }
        match (place.zone == own.zone, place.sub_zone == own.sub_zone) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    };
    let distances: Vec<u32> = groups.iter().map(|group| distance(&place(group))).collect();
    // Priorities have no gaps.
    let used: std::collections::BTreeSet<u32> = distances.iter().copied().collect();
    for (group, distance) in groups.iter_mut().zip(distances) {
        let before = used.iter().take_while(|other| **other < distance).count();
        group.priority = u32::try_from(before).unwrap_or_default();
    }
}

fn place(group: &LocalityLbEndpoints) -> Locality {
    let Some(place) = &group.locality else { return Locality::default() };
    Locality {
        region: place.region.as_str().into(),
        zone: place.zone.as_str().into(),
        sub_zone: place.sub_zone.as_str().into(),
    }
}

fn weight(group: &LocalityLbEndpoints) -> u32 {
    group.load_balancing_weight.map_or(1, |weight| weight.value)
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::core::v3::Locality as Wire;

    use super::*;

    fn group(text: &str) -> LocalityLbEndpoints {
        let place = Locality::parse(text);
        let wire = Wire {
            region: place.region.to_string(),
            zone: place.zone.to_string(),
            sub_zone: place.sub_zone.to_string(),
        };
        LocalityLbEndpoints { locality: Some(wire), load_balancing_weight: Some(number(2)), ..Default::default() }
    }

    #[test]
    fn nearest_first_without_gaps() {
        let mut groups = ["eu/a/1", "eu/b", "us/a", "asia/a"].map(group);
        nearest(&Locality::parse("eu/a/1"), &[("eu".into(), "us".into())], &mut groups);
        assert_eq!(groups.each_ref().map(|group| group.priority), [0, 1, 2, 3]);
        let mut groups = ["us/a", "eu/b"].map(group);
        nearest(&Locality::parse("eu/a/1"), &[], &mut groups);
        assert_eq!(groups.each_ref().map(|group| group.priority), [1, 0]);
    }

    #[test]
    fn shares_by_pattern() {
        let mut groups = vec![group("eu/a/1"), group("eu/a/2"), group("eu/b"), group("us/a")];
        distribute(&[("eu/a/*".into(), 80), ("eu/b/*".into(), 20)].into(), &mut groups);
        let weights: Vec<u32> = groups.iter().map(weight).collect();
        assert_eq!(weights, [40_000, 40_000, 20_000], "what no pattern has gets nothing");
    }
}
