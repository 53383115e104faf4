//! AuthorizationPolicy: who may send which requests to a workload.

use super::selector::{PolicyTargetReference, WorkloadSelector};
use crate::manifests::tree::Node;
use crate::schema::{At, List, Text};
use crate::{choice, message};

message! {
    /// Access to workloads. CUSTOM policies decide first, then DENY, then ALLOW; with at least one ALLOW policy on a
    /// workload, a request that none of them matches is refused.
    pub struct AuthorizationPolicy {
        /// The workloads; without any attachment all of the namespace, and in the root namespace all of the mesh.
        selector: Option<WorkloadSelector> = "selector",
        /// The object that the policy is attached to.
        target_ref: Option<PolicyTargetReference> = "targetRef",
        /// The objects that the policy is attached to.
        target_refs: List<PolicyTargetReference> = "targetRefs" [MaxItems(16)],
        /// Requests that the policy matches: those of any rule. Without rules an ALLOW policy matches nothing.
        rules: List<AuthorizationRule> = "rules" [MaxItems(512)],
        /// What happens to matching requests; ALLOW when not set.
        action: Option<At<AuthorizationAction>> = "action",
        /// Who decides, for CUSTOM.
        provider: Option<AuthorizationProvider> = "provider",
    }
    rules [AtMostOne(&["selector", "targetRef", "targetRefs"])]
}

impl AuthorizationPolicy {
    /// The action, ALLOW when none is set.
    pub fn action(&self) -> AuthorizationAction {
        self.action.as_ref().map_or(AuthorizationAction::Allow, |action| action.value)
    }
}

choice! {
    /// What happens to matching requests.
    pub enum AuthorizationAction {
        /// They pass; what no ALLOW policy matches is refused.
        Allow = "ALLOW",
        /// They are refused, whatever ALLOW policies say.
        Deny = "DENY",
        /// They are marked for the audit log.
        Audit = "AUDIT",
        /// An external authorizer decides.
        Custom = "CUSTOM",
    }
}

message! {
    /// The external authorizer.
    pub struct AuthorizationProvider {
        /// Its name among the mesh configuration's extensionProviders.
        name: Option<Text> = "name",
    }
}

message! {
    /// A request matches when it fits one of `from`, one of `to` and all of `when`. A part that is not set fits all.
    pub struct AuthorizationRule {
        /// Possible senders.
        from: List<RuleFrom> = "from" [MaxItems(512)],
        /// Possible operations.
        to: List<RuleTo> = "to",
        /// Further conditions.
        when: List<AuthorizationCondition> = "when",
    }
}

message! {
    /// One possible sender.
    pub struct RuleFrom {
        /// The sender.
        source: Option<AuthorizationSource> = "source",
    }
}

message! {
    /// A sender; all fields that are set must fit.
    pub struct AuthorizationSource {
        /// Identities from the client certificate: `cluster.local/ns/NAMESPACE/sa/ACCOUNT`. Needs mutual TLS.
        principals: List<Text> = "principals",
        /// Identities that do not fit.
        not_principals: List<Text> = "notPrincipals",
        /// Identities from the token: `ISSUER/SUBJECT`.
        request_principals: List<Text> = "requestPrincipals",
        /// Token identities that do not fit.
        not_request_principals: List<Text> = "notRequestPrincipals",
        /// Namespaces from the client certificate. Needs mutual TLS.
        namespaces: List<Text> = "namespaces",
        /// Namespaces that do not fit.
        not_namespaces: List<Text> = "notNamespaces",
        /// Service accounts from the client certificate, as `NAMESPACE/ACCOUNT` or `ACCOUNT` of the policy's namespace.
        service_accounts: List<Text> = "serviceAccounts" [MaxItems(16), Each(&MaxLen(320))],
        /// Service accounts that do not fit.
        not_service_accounts: List<Text> = "notServiceAccounts" [MaxItems(16), Each(&MaxLen(320))],
        /// Addresses or CIDRs of the connection.
        ip_blocks: List<Text> = "ipBlocks",
        /// Addresses that do not fit.
        not_ip_blocks: List<Text> = "notIpBlocks",
        /// Addresses or CIDRs of the original client, from X-Forwarded-For or the PROXY protocol.
        remote_ip_blocks: List<Text> = "remoteIpBlocks",
        /// Client addresses that do not fit.
        not_remote_ip_blocks: List<Text> = "notRemoteIpBlocks",
        /// Trust domains from the client certificate. Needs mutual TLS.
        trust_domains: List<Text> = "trustDomains",
        /// Trust domains that do not fit.
        not_trust_domains: List<Text> = "notTrustDomains",
    }
    rules [
        Cel(
            "(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true",
            "`serviceAccounts` cannot stand beside principals or namespaces",
            accounts_stand_alone
        ),
    ]
}

message! {
    /// One possible operation.
    pub struct RuleTo {
        /// The operation.
        operation: Option<AuthorizationOperation> = "operation",
    }
}

message! {
    /// An operation; all fields that are set must fit. Hosts, methods and paths exist for HTTP only.
    pub struct AuthorizationOperation {
        /// Hosts.
        hosts: List<Text> = "hosts",
        /// Hosts that do not fit.
        not_hosts: List<Text> = "notHosts",
        /// Ports of the workload.
        ports: List<Text> = "ports",
        /// Ports that do not fit.
        not_ports: List<Text> = "notPorts",
        /// Methods; for gRPC always POST.
        methods: List<Text> = "methods",
        /// Methods that do not fit.
        not_methods: List<Text> = "notMethods",
        /// Paths: exact, `/prefix*`, `*suffix`, or templates with `{*}` and `{**}`.
        paths: List<Text> = "paths",
        /// Paths that do not fit.
        not_paths: List<Text> = "notPaths",
    }
}

message! {
    /// A condition on an attribute of the request.
    pub struct AuthorizationCondition {
        /// The attribute, as `request.headers[x-version]`.
        key: Option<Text> = "key" [Required],
        /// Values that fit.
        values: List<Text> = "values",
        /// Values that do not fit.
        not_values: List<Text> = "notValues",
    }
}

fn accounts_stand_alone(source: &Node) -> bool {
    let set = |names: &[&str]| names.iter().any(|name| source.get(name).is_some_and(|value| !value.is_null()));
    !set(&["serviceAccounts", "notServiceAccounts"])
        || !set(&["principals", "notPrincipals", "namespaces", "notNamespaces"])
}
