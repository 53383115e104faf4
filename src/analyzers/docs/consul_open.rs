//! DOC0015: consul installations that are reachable from outside have ACLs.

use super::invocation::calls;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::source::Span;

declare_code! {
    /// Consul is reachable from outside and asks nobody who they are
    ///
    /// ## Why
    ///
    /// Without ACLs every caller may read and write everything, and services may call each other unless an intention
    /// forbids it. A load balancer in front of the UI gives this to everyone who reaches its address. TLS changes
    /// nothing about that.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// helm install consul hashicorp/consul \
    ///   --set global.tls.enabled=true \
    ///   --set ui.service.type=LoadBalancer
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// helm install consul hashicorp/consul \
    ///   --set global.tls.enabled=true \
    ///   --set global.acls.manageSystemACLs=true \
    ///   --set global.gossipEncryption.autoGenerate=true
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `global.acls.manageSystemACLs=true` and `global.gossipEncryption.autoGenerate=true`, and reach the UI with a
    /// port-forward.
    pub CONSUL_OPEN = "DOC0015", "ConsulOpen", Error
}

/// Reports consul is reachable from outside and asks nobody who they are.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ConsulOpen",
    summary: "Consul installations that are reachable from outside have ACLs",
    codes: &[&CONSUL_OPEN],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let chart = call.positional.get(2).filter(|word| word.text == "hashicorp/consul");
        let from_elsewhere = call.has(&["f", "values", "reuse-values", "set-file"]);
        let Some(chart) = chart.filter(|_| call.is("helm", &["install|upgrade"]) && !from_elsewhere) else { continue };
        let set = |wanted: &str| call.sets().find(|(path, ..)| *path == wanted);
        let outside = set("ui.service.type").filter(|(_, value, _)| matches!(*value, "LoadBalancer" | "NodePort"));
        let Some((_, kind, service)) = outside else { continue };
        if set("global.acls.manageSystemACLs").is_some_and(|(_, value, _)| value != "false") {
            continue;
        }
        let gossip = ["global.gossipEncryption.autoGenerate", "global.gossipEncryption.secretName"];
        let gossip = if gossip.iter().any(|path| set(path).is_some()) { "" } else { ", gossip has no key" };
        let span = Span::new(call.name.span.start, chart.span.end);
        let message = format!("Consul runs without ACLs{gossip}, and its UI is reachable from outside.");
        sink.report_at(&CONSUL_OPEN, call.file(), span, message)
            .label("every caller may do everything")
            .related(call.file(), service.span, format!("the UI and API behind a {kind}"))
            .help("Set global.acls.manageSystemACLs=true and global.gossipEncryption.autoGenerate=true.");
    }
}
