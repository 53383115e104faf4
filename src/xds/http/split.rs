//! Targets in groups that one Envoy route can hold.
//!
//! A weighted cluster can edit headers and the host, not the path, and it cannot answer by itself. Targets with a path of
//! their own, and those that cannot be used, get a route each; the routes before the last one take their share
//! by chance.

use crate::ir::{Backend, Share, Target, Targets};

/// Targets that go into one route.
#[derive(Debug, PartialEq)]
pub enum Group<'t> {
    /// Weighted clusters.
    Clusters(Vec<&'t Target>),
    /// An answer with this status.
    Status(u16),
}

/// The groups in order, each with the share of all requests that it and those before it take together.
pub fn groups(targets: &Targets) -> Vec<(Group<'_>, Share)> {
    let used: Vec<&Target> = targets.targets.iter().filter(|target| target.weight > 0).collect();
    let mut groups: Vec<(Group<'_>, u64)> = Vec::new();
    for target in used {
        let weight = u64::from(target.weight);
        let has_own_path = target.rewrite.as_ref().is_some_and(|rewrite| rewrite.path.is_some());
        let joins = groups.iter_mut().find(|(group, _)| match (group, &target.backend) {
            (Group::Status(status), Backend::Invalid { status: own, .. }) => status == own,
            (Group::Clusters(clusters), Backend::Service(_)) => {
                !has_own_path && clusters.iter().all(|other| other.rewrite.as_ref().is_none_or(|r| r.path.is_none()))
            }
            _ => false,
        });
        match (joins, &target.backend) {
            (Some((Group::Clusters(clusters), total)), _) => {
                clusters.push(target);
                *total += weight;
            }
            (Some((Group::Status(_), total)), _) => *total += weight,
            (None, Backend::Service(_)) => groups.push((Group::Clusters(vec![target]), weight)),
            (None, Backend::Invalid { status, .. }) => groups.push((Group::Status(*status), weight)),
        }
    }
    if groups.is_empty() {
        return vec![(Group::Status(targets.none), Share::ALL)];
    }
    // A request draws one number for all of its routes: a group takes what is below its own share and those before it.
    let total: u64 = groups.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0;
    groups
        .into_iter()
        .map(|(group, weight)| {
            sum += weight;
            #[allow(clippy::cast_precision_loss, reason = "weights are 32-bit numbers")]
            let share = if sum == total { Share::ALL } else { Share::percent(sum as f64 * 100.0 / total as f64) };
            (group, share)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Destination, HeaderEdits, Origin};

    fn target(weight: u32, backend: Backend) -> Target {
        Target { origin: Origin::default(), weight, backend, headers: HeaderEdits::default(), rewrite: None }
    }

    #[test]
    fn broken_targets_answer_their_share() {
        let service = || Backend::Service(Destination { host: "a".into(), subset: None, port: None });
        let broken = || Backend::Invalid { status: 500, reason: "not there".into() };
        let targets = Targets {
            targets: vec![target(2, service()), target(1, broken()), target(1, broken()), target(0, service())],
            none: 500,
        };
        let groups = groups(&targets);
        assert_eq!(groups.len(), 2);
        assert!(
            matches!(&groups[0], (Group::Clusters(clusters), share) if clusters.len() == 1 && *share == Share::percent(50.0))
        );
        assert_eq!(groups[1], (Group::Status(500), Share::ALL));
    }

    #[test]
    fn shares_add_up() {
        let broken = |status| Backend::Invalid { status, reason: "not there".into() };
        let service = Backend::Service(Destination { host: "a".into(), subset: None, port: None });
        let targets = vec![target(1, broken(500)), target(1, broken(503)), target(2, service)];
        let shares: Vec<Share> = groups(&Targets { targets, none: 500 }).into_iter().map(|(_, share)| share).collect();
        assert_eq!(shares, [Share::percent(25.0), Share::percent(50.0), Share::ALL]);
    }

    #[test]
    fn no_weight_at_all_is_an_error() {
        let targets = Targets { targets: Vec::new(), none: 500 };
        assert_eq!(groups(&targets), [(Group::Status(500), Share::ALL)]);
    }
}
