//! DOC0018: serviceAccounts that charts do not create exist.

use super::invocation::{Call, calls};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A ServiceAccount is expected that nothing creates
    ///
    /// ## Why
    ///
    /// With `serviceAccount.create=false` the chart uses an account that is there already. When it is not, the pods of
    /// the Deployment are never created; only an event of the ReplicaSet says so.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// helm install appmesh-controller eks/appmesh-controller \
    ///   --set serviceAccount.create=false
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// eksctl create iamserviceaccount --cluster demo --name appmesh-controller
    /// helm install appmesh-controller eks/appmesh-controller \
    ///   --set serviceAccount.create=false --set serviceAccount.name=appmesh-controller
    /// ```
    ///
    /// ## Fix
    ///
    /// Create the account above, or let the chart create it.
    pub SERVICE_ACCOUNT = "DOC0018", "ServiceAccountAssumed", Warning
}

/// Reports a ServiceAccount is expected that nothing creates.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ServiceAccountAssumed",
    summary: "ServiceAccounts that charts do not create exist",
    codes: &[&SERVICE_ACCOUNT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Large inputs without scripts are common: their objects need not be looked at.
    if cx.scripts.is_empty() {
        return;
    }
    if cx.untyped.iter().any(|object| object.kind.as_str() == "ServiceAccount")
        || cx.metas().any(|meta| meta.kind == "ServiceAccount")
    {
        return;
    }
    let all: Vec<Call<'_>> = calls(cx).collect();
    for call in all.iter().filter(|call| call.is("helm", &["install|upgrade"])) {
        let off = call.sets().find(|(path, value, _)| *path == "serviceAccount.create" && *value == "false");
        let Some((_, _, word)) = off else { continue };
        if all.iter().any(|before| call.is_after(before) && creates_account(before)) {
            continue;
        }
        let name = call.sets().find(|(path, ..)| *path == "serviceAccount.name").map(|(_, name, _)| name);
        let name = name.map_or_else(String::new, |name| format!(" `{name}`"));
        let message = format!("The ServiceAccount{name} must be there before, and nothing above creates it.");
        sink.report_at(&SERVICE_ACCOUNT, call.file(), word.span, message)
            .label("the chart creates none")
            .help("Create it above, on EKS with `eksctl create iamserviceaccount`.");
    }
}

fn creates_account(call: &Call<'_>) -> bool {
    call.is("kubectl", &["create", "serviceaccount|sa"]) || call.is("eksctl", &["create", "iamserviceaccount"])
}
