//! Policies, and what a list of them decides.

use super::{Facts, Rule};

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

/// A policy: one of the permissions and one of the principals must match.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// What may be done.
    pub permissions: Vec<Rule>,
    /// Who may do it.
    pub principals: Vec<Rule>,
}

impl Policy {
    /// Whether the facts satisfy the policy.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        self.permissions.iter().any(|rule| rule.matches(facts))
            && self.principals.iter().any(|rule| rule.matches(facts))
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
        let policy = self.policies.iter().find(|policy| policy.matches(facts)).map(|policy| policy.name.as_str());
        let allowed = match self.action {
            Action::Allow => policy.is_some(),
            Action::Deny => policy.is_none(),
            Action::Log => true,
        };
        Decision { allowed, policy }
    }
}
