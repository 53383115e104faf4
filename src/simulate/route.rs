//! The steps that a decision tells, as the report has them.

use std::time::Duration;

use embedded_proxy::decide::{Decision, RouteFacts, Step as Decided};
use embedded_proxy::filters::http::Verdict;
use embedded_proxy::route::Passed;

use super::provenance;
use super::report::{At, Step, percent};
use crate::ir::Mesh;

/// A fault that the chosen route injects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Share of requests that are answered, and the status.
    pub abort: Option<(f64, u16)>,
}

/// What was decided on the way: the steps, the faults, where the route comes from, and the rule that refused.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Steps.
    pub steps: Vec<Step>,
    /// Faults.
    pub faults: Faults,
    /// The route.
    pub route: Option<At>,
    /// The rule that a filter named when it refused or let pass.
    pub access: Option<At>,
    /// The filter that answered, and its rule.
    pub refused: Option<String>,
    /// True when TLS ends at the proxy.
    pub tls: bool,
}

/// Tells the steps of a decision.
pub fn tell(mesh: &Mesh, decision: &Decision) -> Told {
    let mut told = Told::default();
    for step in &decision.steps {
        match step {
            Decided::FilterChain { name, tls } => {
                told.tls = *tls;
                let name = if name.is_empty() { "the one that has no name" } else { name };
                let ends = if *tls { ", TLS ends here" } else { "" };
                told.steps.push(Step::new("filter chain", format!("{name}{ends}")));
            }
            Decided::Filter { name, verdict } => filter(mesh, name, verdict, &mut told),
            Decided::Route { virtual_host, name, passed_over, facts } => {
                told.route = provenance::of_metadata(mesh, &facts.metadata);
                told.steps.push(route(mesh, virtual_host, name, passed_over, facts, told.route.clone()));
            }
            Decided::NoRoute { virtual_host, passed_over } => {
                let text = match virtual_host {
                    Some(host) => format!("none of {host} takes the request"),
                    None => "no virtual host has the request's host".to_owned(),
                };
                told.steps.push(Step { parts: passed(mesh, passed_over), ..Step::new("route", text) });
            }
        }
    }
    told
}

fn filter(mesh: &Mesh, name: &str, verdict: &Verdict, told: &mut Told) {
    let about = about(name);
    let step = match verdict {
        Verdict::Pass(rule) => {
            let at = rule.as_deref().and_then(|rule| provenance::of_rule(mesh, rule));
            if about == "access" {
                told.access.clone_from(&at);
            }
            let text = match rule {
                Some(rule) => format!("lets it pass: {rule}"),
                None => "lets it pass".to_owned(),
            };
            Step::new(about, text).at(at)
        }
        Verdict::Reply { reply, rule } => {
            let at = provenance::of_rule(mesh, rule);
            told.access.clone_from(&at);
            told.refused = Some(format!("{about}: {rule}"));
            Step::new(about, format!("answers {}: {rule}", reply.status.as_u16())).at(at)
        }
        Verdict::Depends(on) => Step::new(about, format!("depends on {on}")),
        Verdict::Chance { delay, abort } => {
            told.faults.abort = *abort;
            let delay = delay.map(|(share, time)| format!("holds {} up for {}", percent(share), time_text(time)));
            let abort = abort.map(|(share, status)| format!("answers {} with {status}", percent(share)));
            let parts: Vec<String> = delay.into_iter().chain(abort).collect();
            Step::new(about, parts.join(", "))
        }
    };
    told.steps.push(step);
}

/// What a filter is about, in a word.
fn about(name: &str) -> &'static str {
    let short = name.rsplit('.').next().unwrap_or(name);
    match short {
        "rbac" => "access",
        "jwt_authn" => "token",
        "fault" => "fault",
        "cors" => "cors",
        "ext_authz" => "external access",
        "ratelimit" | "local_ratelimit" => "rate limit",
        _ if name.contains("rbac") => "access",
        _ => "filter",
    }
}

fn route(
    mesh: &Mesh,
    virtual_host: &str,
    name: &str,
    passed_over: &[Passed],
    facts: &RouteFacts,
    at: Option<At>,
) -> Step {
    let name =
        if name.is_empty() { format!("route {}", facts.position.1.unwrap_or_default()) } else { name.to_owned() };
    let share = if facts.share < 1.0 { ", by chance" } else { "" };
    let mut parts = passed(mesh, passed_over);
    parts.extend(limits(facts));
    Step { parts, ..Step::new("route", format!("{name} of {virtual_host}{share}")).at(at) }
}

fn passed(mesh: &Mesh, passed: &[Passed]) -> Vec<Step> {
    let tell = |one: &Passed| {
        let name = if one.name.is_empty() { format!("route {}", one.index) } else { one.name.clone() };
        Step::new("passed over", format!("{name}: not {}", one.because))
            .at(provenance::of_metadata(mesh, &one.metadata))
    };
    passed.iter().map(tell).collect()
}

fn limits(facts: &RouteFacts) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(timeout) = facts.timeout.filter(|timeout| !timeout.is_zero()) {
        steps.push(Step::new("timeout", time_text(timeout)));
    }
    if let Some(retry) = facts.retry.as_ref().filter(|retry| retry.retries > 0) {
        let per_try = match retry.per_try {
            time if time.is_zero() => String::new(),
            time => format!(", {} each", time_text(time)),
        };
        let codes: Vec<String> = retry.codes.iter().map(ToString::to_string).collect();
        let mut on = retry.on.words().join(", ");
        if !codes.is_empty() {
            on = format!("{on} ({})", codes.join(", "));
        }
        steps.push(Step::new("retries", format!("up to {}{per_try}, on {on}", retry.retries)));
    }
    for (cluster, share) in &facts.mirrors {
        steps.push(Step::new("mirror", format!("copies of {} to {cluster}", percent(*share))));
    }
    steps
}

/// `7s`, `1.5s`, `100ms`.
pub fn time_text(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{}ms", time.as_millis()) } else { format!("{}s", time.as_secs_f64()) }
}
