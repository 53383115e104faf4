//! A request principal that means one single subject (IST9105).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A request principal for one single subject
    ///
    /// ## Why
    ///
    /// A request principal is the issuer, a slash and the subject of the token. `https://auth.example.com/user` fits only
    /// tokens whose subject is the word `user`, which no identity provider issues: everybody is refused.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: require-token
    /// spec:
    ///   rules:
    ///   - from:
    ///     - source:
    ///         requestPrincipals: ["https://auth.example.com/user"]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: require-token
    /// spec:
    ///   rules:
    ///   - from:
    ///     - source:
    ///         requestPrincipals: ["https://auth.example.com/*"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `ISSUER/*` for all tokens of the issuer. Match roles with a condition on `request.auth.claims[...]`.
    pub LITERAL_SUBJECT = "IST9105", "LiteralSubject", Warning
}

/// Reports request principals whose subject is a word for users in general.
pub static ANALYZER: Analyzer = Analyzer {
    name: "security.LiteralSubject",
    summary: "Request principals do not name a subject that stands for users in general",
    codes: &[&LITERAL_SUBJECT],
    run,
    default: true,
};

/// Words that somebody writes who means a kind of users; subjects are ids.
const GENERIC: [&str; 16] = [
    "user",
    "users",
    "client",
    "clients",
    "admin",
    "admins",
    "subject",
    "sub",
    "me",
    "member",
    "members",
    "customer",
    "customers",
    "guest",
    "authenticated",
    "anyone",
];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for policy in &cx.authorization_policies {
        let sources = policy.spec.rules.iter().flat_map(|rule| &rule.from).filter_map(|from| from.source.as_ref());
        for principal in sources.flat_map(|source| &source.request_principals) {
            let Some((issuer, subject)) = principal.as_str().rsplit_once('/') else { continue };
            if issuer.is_empty() || issuer.ends_with('/') || !GENERIC.contains(&subject) {
                continue;
            }
            sink.report(
                &LITERAL_SUBJECT,
                &policy.meta,
                principal.span(),
                format!("Only tokens of {issuer} whose subject is exactly {subject:?} fit."),
            )
            .label("issuer/subject")
            .help(format!("write {issuer}/* for all subjects, and match roles with `when` on request.auth.claims"));
        }
    }
}
