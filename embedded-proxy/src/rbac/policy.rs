//! Policies, and what a list of them decides.

use super::{Facts, Rule};
use crate::cel::{Attributes, Program};

/// What a list of policies is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Only what a policy matches may pass.
    Allow,
    /// What a policy matches may not pass.
    Deny,
    /// Everything passes; what a policy matches is marked for the access log.
    Log,
}

/// A policy: one of the permissions and one of the principals must match, and the condition if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// What may be done.
    pub permissions: Vec<Rule>,
    /// Who may do it.
    pub principals: Vec<Rule>,
    /// What must be true besides.
    pub condition: Option<Program>,
}

impl Policy {
    /// Whether the facts satisfy the policy. `unclear` counts when the condition has no value for these facts.
    pub fn matches(&self, facts: &Facts<'_>, unclear: bool) -> bool {
        self.permissions.iter().any(|rule| rule.matches(facts))
            && self.principals.iter().any(|rule| rule.matches(facts))
            && self
                .condition
                .as_ref()
                .is_none_or(|condition| condition.holds(&Attributes::of_facts(facts)).unwrap_or(unclear))
    }
}

/// `envoy.config.rbac.v3.RBAC`: policies in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// What they are for.
    pub action: Action,
    /// The policies, sorted by name.
    pub policies: Vec<Policy>,
}

/// What rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'r> {
    /// Whether the request or connection may go on.
    pub allowed: bool,
    /// The first policy that matched.
    pub policy: Option<&'r str>,
    /// Whether the access log is told to take it; none when these rules say nothing about that.
    pub log: Option<bool>,
}

impl Decision<'_> {
    /// What `%RESPONSE_CODE_DETAILS%` says about a denial.
    pub fn details(&self) -> String {
        let policy = self.policy.unwrap_or("none").replace(char::is_whitespace, "_");
        format!("rbac_access_denied_matched_policy[{policy}]")
    }
}

impl Rules {
    /// Decides.
    pub fn check(&self, facts: &Facts<'_>) -> Decision<'_> {
        // A condition that cannot be evaluated lets nobody in: what denies matches, what allows does not.
        let unclear = self.action == Action::Deny;
        let policy = self.policies.iter().find(|policy| policy.matches(facts, unclear));
        let policy = policy.map(|policy| policy.name.as_str());
        let allowed = match self.action {
            Action::Allow => policy.is_some(),
            Action::Deny => policy.is_none(),
            Action::Log => true,
        };
        Decision { allowed, policy, log: (self.action == Action::Log).then_some(policy.is_some()) }
    }
}
