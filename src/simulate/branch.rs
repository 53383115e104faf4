//! What chance decides: all decisions that a listener may make about one request, each with its probability.

use embedded_proxy::cluster::Clusters;
use embedded_proxy::decide::{Decision, Outcome, Question, Step, decide};
use embedded_proxy::http::RequestHead;
use embedded_proxy::listener::ListenerConfig;

/// Shares of routes are millionths.
const WHOLE: u64 = 1_000_000;
/// More splits than a route table has in practice.
const MOST: usize = 64;
/// Weights up to this sum are told apart.
const WEIGHTS: u64 = 1_000;

/// The decisions, and the part of all such requests that each is about. They differ in the route: a route that takes a share of
/// the requests leaves the rest to those after it.
pub fn branches(listener: &ListenerConfig, clusters: &Clusters, question: &Question) -> Vec<(f64, Decision)> {
    let mut found = Vec::new();
    let mut from = 0;
    while from < WHOLE && found.len() < MOST {
        let decision = decide(listener, clusters, &Question { random: from, ..question.clone() });
        let until = taken(&decision).filter(|until| *until > from).unwrap_or(WHOLE);
        found.push((part(until - from), decision));
        from = until;
    }
    found
}

#[allow(clippy::cast_precision_loss, reason = "at most a million")]
fn part(millionths: u64) -> f64 {
    millionths as f64 / WHOLE as f64
}

/// The random number from which on the decision's route does not take the request.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a million")]
fn taken(decision: &Decision) -> Option<u64> {
    decision.steps.iter().find_map(|step| match step {
        Step::Route { facts, .. } => Some((facts.share * 1_000_000.0).round() as u64),
        _ => None,
    })
}

/// The request as it is sent to one of the clusters that a decision may choose: weighted clusters edit it, too.
pub fn head_for(
    listener: &ListenerConfig,
    clusters: &Clusters,
    question: &Question,
    decision: &Decision,
    cluster: &str,
) -> Option<RequestHead> {
    let sent = |decision: &Decision| match &decision.outcome {
        Outcome::Forward { chosen, head, .. } if chosen.as_deref() == Some(cluster) => Some((**head).clone()),
        _ => None,
    };
    sent(decision).or_else(|| {
        let other = |random: u64| decide(listener, clusters, &Question { random, ..question.clone() });
        (1..WEIGHTS).map(|step| question.random.wrapping_add(step)).find_map(|random| sent(&other(random)))
    })
}
