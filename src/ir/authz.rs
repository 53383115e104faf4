//! Who may do what: policies in ordered stages.

use super::{Name, Origin, Scope, TextMatch};

/// Access to some servers. Stages are asked in their order; in each, the policies whose scope has the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthzPolicy {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// One port of the workload, or all.
    pub port: Option<u16>,
    /// The stage.
    pub stage: Stage,
    /// A request matches when it matches one of the rules. No rules match nothing.
    pub rules: Vec<AuthzRule>,
    /// Only told, not enforced.
    pub dry_run: bool,
}

/// The stages, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Matching requests are put to an external service of this provider name; its no is final.
    Delegate(Name),
    /// Matching requests are refused.
    Deny,
    /// Rules in order, the first that matches decides by its [`AuthzRule::allow`].
    FirstMatch,
    /// Matching requests pass. When a server has a policy of this stage, what none matches is refused.
    Allow,
    /// Matching requests are marked for the audit log.
    Audit,
}

/// What happens at servers for which no policy of the stages [`Stage::Allow`] and [`Stage::FirstMatch`] says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthzDefault {
    /// Where it is declared.
    pub origin: Origin,
    /// Whose servers.
    pub scope: Scope,
    /// They let requests pass.
    pub allow: bool,
}

/// One rule: it matches when one of `from`, one of `to` and all of `when` hold; an empty part holds always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthzRule {
    /// Where it is declared.
    pub origin: Origin,
    /// What it decides, in the stage [`Stage::FirstMatch`].
    pub allow: bool,
    /// Possible senders; all clauses of one must hold.
    pub from: Vec<Vec<Clause>>,
    /// Possible operations; all clauses of one must hold.
    pub to: Vec<Vec<Clause>>,
    /// Further clauses, all of which must hold.
    pub when: Vec<Clause>,
}

/// One attribute has one of the values, and none of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Where it is declared.
    pub origin: Origin,
    /// The attribute.
    pub attribute: Attribute,
    /// One must fit; empty means any, even none.
    pub values: Vec<ValueMatch>,
    /// None may fit.
    pub not: Vec<ValueMatch>,
}

/// What a clause looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// SPIFFE id of the caller, without `spiffe://`; needs mutual TLS.
    Principal,
    /// `ISSUER/SUBJECT` of the token.
    RequestPrincipal,
    /// Namespace in the caller's identity.
    Namespace,
    /// Service account in the caller's identity, as `NAMESPACE/ACCOUNT`.
    ServiceAccount,
    /// Trust domain in the caller's identity.
    TrustDomain,
    /// Address of the connection.
    SourceIp,
    /// Address of the original client.
    RemoteIp,
    /// Address that the connection came to.
    DestinationIp,
    /// Port that the connection came to.
    DestinationPort,
    /// Server name of the connection.
    ServerName,
    /// Host header.
    Host,
    /// Method.
    Method,
    /// Path without query.
    Path,
    /// A request header.
    Header(Name),
    /// A claim of the token, by the names on the way to it.
    Claim(Vec<Name>),
    /// Audience of the token.
    Audience,
    /// `azp` of the token.
    Presenter,
    /// A value that another filter of the data plane left: filter and key.
    FilterMetadata(Name, Vec<Name>),
}

impl Attribute {
    /// True when it exists in HTTP only.
    pub fn is_http(&self) -> bool {
        matches!(
            self,
            Self::RequestPrincipal
                | Self::Host
                | Self::Method
                | Self::Path
                | Self::Header(_)
                | Self::Claim(_)
                | Self::Audience
                | Self::Presenter
        )
    }

    /// True when it is known only with mutual TLS.
    pub fn needs_identity(&self) -> bool {
        matches!(self, Self::Principal | Self::Namespace | Self::ServiceAccount | Self::TrustDomain)
    }
}

/// A value that an attribute may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueMatch {
    /// A text.
    Text(TextMatch),
    /// A path template with `{*}` and `{**}`.
    Template(Name),
    /// An address in a network.
    Network(ipnet::IpNet),
    /// A port.
    Port(u16),
}
