//! Which routes and rules no case reaches.

use std::collections::BTreeSet;

use super::report::{At, Trace};
use crate::ir::Mesh;

/// Routes and rules, and which of them decided something.
#[derive(Debug, Default)]
pub struct Coverage {
    all: BTreeSet<At>,
    hit: BTreeSet<At>,
}

impl Coverage {
    /// Everything that a mesh has.
    pub fn new(mesh: &Mesh) -> Self {
        let routes = mesh.http_routes.iter().flat_map(|set| &set.rules).map(|rule| &rule.origin);
        let rules = mesh.authz.iter().flat_map(|policy| &policy.rules).map(|rule| &rule.origin);
        Self { all: routes.chain(rules).filter_map(At::of).collect(), hit: BTreeSet::new() }
    }

    /// Counts what decided in an answer.
    pub fn note(&mut self, trace: &Trace) {
        let abouts = ["route", "access"];
        let steps = trace
            .steps
            .iter()
            .chain(trace.destinations.iter().flat_map(|to| to.servers.iter().flat_map(|server| &server.steps)));
        let of_steps = steps.filter(|step| abouts.contains(&step.about)).filter_map(|step| step.at.as_ref());
        let of_servers = trace.destinations.iter().flat_map(|to| &to.servers).filter_map(|server| server.by.as_ref());
        for at in of_steps.chain(of_servers) {
            // A condition of a rule stands for the rule.
            let of = self.all.iter().find(|rule| {
                rule.object == at.object
                    && at.field.strip_prefix(&rule.field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            self.hit.extend(of.cloned());
        }
    }

    /// Those that decided nothing.
    pub fn missed(&self) -> Vec<&At> {
        self.all.difference(&self.hit).collect()
    }

    /// How many decided something, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.hit.len(), self.all.len())
    }

    /// The part that decided something, in percent; 100 when there is nothing.
    pub fn percent(&self) -> f64 {
        let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
        if self.all.is_empty() { 100.0 } else { count(self.hit.len()) * 100.0 / count(self.all.len()) }
    }
}
