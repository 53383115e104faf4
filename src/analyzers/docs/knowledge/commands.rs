//! Subcommands of istioctl, linkerd and consul that were removed or renamed, that need an argument, or that show something
//! else than people expect. From the command trees of istioctl 1.32, linkerd edge 2026 and consul 1.22.

/// A subcommand and what to do about it. `a|b` in a path stands for either spelling.
pub struct Row {
    /// The program.
    pub program: &'static str,
    /// The subcommands.
    pub path: &'static [&'static str],
    /// What is wrong, after "`program path` ": a clause.
    pub fact: &'static str,
    /// What to do instead, one sentence.
    pub instead: &'static str,
}

const fn row(program: &'static str, path: &'static [&'static str], fact: &'static str, instead: &'static str) -> Row {
    Row { program, path, fact, instead }
}

const X: &str = "x|exp|experimental";
const WAITS: &str = "`istioctl install` waits for the control plane by itself; `istioctl analyze` checks the rest.";
const PROFILES: &str =
    "Read the profiles in the istio/istio repository, or render one with `istioctl manifest generate`.";

/// Subcommands that are gone.
pub const REMOVED: &[Row] = &[
    row("istioctl", &["verify-install"], "was removed", WAITS),
    row("istioctl", &["manifest", "apply"], "was removed", "Use `istioctl install`."),
    row(
        "istioctl",
        &["manifest", "diff"],
        "was removed",
        "Compare two outputs of `istioctl manifest generate` with diff.",
    ),
    row("istioctl", &["profile", "list|dump|diff"], "was removed", PROFILES),
    row("istioctl", &["operator"], "was removed", "Use `istioctl install` or the Helm charts."),
    row("istioctl", &["convert-ingress"], "was removed", "Write the Gateway and VirtualService by hand."),
    row("istioctl", &["register|deregister"], "was removed", "Use a ServiceEntry and a WorkloadEntry."),
    row("istioctl", &["proxy-config|pc", "workload|w"], "was removed", "Use `istioctl ztunnel-config workload`."),
    row("istioctl", &[X, "wait"], "was removed", "Use `kubectl wait` on the resource's status conditions."),
    row("istioctl", &[X, "revision"], "was removed", "Use `istioctl tag list` and `istioctl proxy-status`."),
    row("istioctl", &[X, "uninstall"], "was removed", "Use `istioctl uninstall`."),
    row("istioctl", &[X, "multicluster"], "was removed", "Use `istioctl create-remote-secret`."),
    row("istioctl", &[X, "post-install"], "was removed", "Use `istioctl tag set` for webhooks of revisions."),
    row("helm", &["init"], "was removed with Helm 3", "Leave it out: Helm needs nothing in the cluster."),
    row("linkerd", &["jaeger"], "was removed", "Set the tracing values of the linkerd-control-plane chart."),
    row("linkerd", &["repair"], "was removed", "Run `linkerd upgrade` with the settings of the installation."),
];

const LINK_GEN: &str =
    "Use `linkerd multicluster link-gen`; `linkerd multicluster install` comes before it on both clusters.";

/// Subcommands that still work and are to go.
pub const DEPRECATED: &[Row] = &[
    row("istioctl", &["dashboard|dash|d", "envoy"], "is deprecated", "Use `istioctl dashboard proxy`."),
    row("linkerd", &["multicluster|mc", "link"], "is deprecated", LINK_GEN),
    row("linkerd", &["multicluster|mc", "unlink"], "is deprecated", "Delete the Link resource and its Secret."),
    row("linkerd", &["stat"], "is deprecated", "Use `linkerd viz stat`."),
    row("linkerd", &["tap"], "is deprecated", "Use `linkerd viz tap`."),
    row("linkerd", &["top"], "is deprecated", "Use `linkerd viz top`."),
    row("linkerd", &["edges"], "is deprecated", "Use `linkerd viz edges`."),
    row("linkerd", &["routes"], "is deprecated", "Use `linkerd viz routes`."),
    row("linkerd", &["dashboard"], "is deprecated", "Use `linkerd viz dashboard`."),
    row(
        "consul",
        &["intention", "create|delete"],
        "is deprecated",
        "Use `consul config write` with a service-intentions entry.",
    ),
];

const TYPE: &str = "Name a kind: `deploy`, `sts`, `pod`.";
const RESOURCE: &str = "Name a resource: `deploy`, `deploy/web`, `ns`.";

/// Subcommands that fail without an argument after them.
pub const NEED_ARGUMENT: &[Row] = &[
    row("linkerd", &["viz", "edges"], "needs a resource type", TYPE),
    row("linkerd", &["viz", "stat"], "needs a resource", RESOURCE),
    row("linkerd", &["viz", "tap"], "needs a resource", RESOURCE),
    row("linkerd", &["viz", "top"], "needs a resource", RESOURCE),
    row("linkerd", &["viz", "routes"], "needs a resource", RESOURCE),
    row("linkerd", &["viz", "authz"], "needs a resource", RESOURCE),
    row("linkerd", &["authz"], "needs a resource", RESOURCE),
    row("linkerd", &["profile"], "needs the name of a Service", "Name the Service: `linkerd profile --template web`."),
    row("linkerd", &["inject|uninject"], "needs an input", "Name a file, or `-` for standard input."),
    row(
        "istioctl",
        &["tag", "set|generate|remove"],
        "needs the name of a tag",
        "Name the tag: `istioctl tag set stable -r 1-30`.",
    ),
];

const IDENTITY: &str = "`linkerd identity POD` shows the certificate of a proxy.";

/// Subcommands that do not show certificates, named under a comment that promises some.
pub const NO_CERTIFICATES: &[Row] = &[
    row("linkerd", &["viz", "top|tap"], "shows requests", IDENTITY),
    row("linkerd", &["viz", "stat|routes"], "shows success rates and latencies", IDENTITY),
    row(
        "istioctl",
        &["proxy-status|ps"],
        "shows whether proxies are in sync",
        "`istioctl proxy-config secret POD` shows certificates.",
    ),
];

/// A flag of a subcommand and what to do about it.
pub struct FlagRow {
    /// The program.
    pub program: &'static str,
    /// The subcommands.
    pub path: &'static [&'static str],
    /// The flag, without dashes.
    pub flag: &'static str,
    /// What to do instead, one sentence.
    pub instead: &'static str,
}

const fn flag(
    program: &'static str,
    path: &'static [&'static str],
    flag: &'static str,
    instead: &'static str,
) -> FlagRow {
    FlagRow { program, path, flag, instead }
}

/// Flags that are gone.
pub const REMOVED_FLAGS: &[FlagRow] = &[
    flag("istioctl", &["bug-report"], "rps-limit", "Use `--rq-concurrency`."),
    flag("istioctl", &["proxy-status|ps"], "xds-via-agents", "Leave it out."),
    flag("istioctl", &[X, "proxy-status|ps"], "xds-via-agents", "Leave it out."),
    flag("kubectl", &["get"], "export", "Leave it out, and remove status and generated fields from the output."),
    flag("helm", &["install"], "name", "The name is the first argument: `helm install NAME CHART`."),
    flag("helm", &["delete|uninstall"], "purge", "Leave it out: Helm 3 purges unless told to keep the history."),
];

/// Flags that still work and are to go.
pub const DEPRECATED_FLAGS: &[FlagRow] = &[
    flag("istioctl", &["install|apply|upgrade"], "charts", "Use `--manifests`."),
    flag("istioctl", &["manifest", "generate|install"], "charts", "Use `--manifests`."),
];
