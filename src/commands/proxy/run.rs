//! `meshctl proxy run`

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::identity::Settings;
use embedded_proxy::proto::Defect;
use embedded_proxy::server::{Options, Server};

use super::document::Document;
use super::problems::{Problem, bootstrap};
use crate::config::env;
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

/// Run the embedded proxy with an Envoy bootstrap file
///
/// Flags have Envoy's names, so that a command line moves over by changing its first words. SIGTERM and SIGINT drain: the
/// proxy stops being ready, exchanges in flight finish, and it ends when the last one has, or after
/// --termination-drain-s. A second signal ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl proxy run --config bootstrap.yaml
  meshctl proxy run -c bootstrap.yaml --concurrency 2 -l debug
  meshctl proxy run -c bootstrap.yaml --config-yaml 'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}'
  meshctl proxy run -c bootstrap.yaml --mode validate")]
pub struct Args {
    /// The bootstrap file, YAML or JSON; `-` is standard input
    #[arg(long, short = 'c', alias = "config-path", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    config: Option<PathBuf>,

    /// More bootstrap, merged into the file: single fields win over it, lists grow
    #[arg(long, value_name = "YAML")]
    config_yaml: Option<String>,

    /// How far to go
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,

    /// Worker threads [default: one a CPU]
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<usize>,

    /// How much to log to stderr
    #[arg(long, short, value_enum, default_value_t)]
    log_level: Level,

    /// The cluster of this node, over the one in the file
    #[arg(long, value_name = "NAME")]
    service_cluster: Option<String>,

    /// The id of this node, over the one in the file
    #[arg(long, value_name = "NAME")]
    service_node: Option<String>,

    /// The zone of this node, over the one in the file
    #[arg(long, value_name = "NAME")]
    service_zone: Option<String>,

    /// Seconds that connections of a removed or drained listener have to end
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    drain_time_s: u64,

    /// Longest time between a signal and the end, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    termination_drain_s: u64,

    #[command(flatten)]
    identity: IdentityFlags,

    /// Hot restart does not exist here: accepted for command lines written for Envoy
    #[command(flatten)]
    envoy: EnvoyFlags,
}

/// A certificate of the proxy's own, published as the secrets `default` and `ROOTCA`.
#[derive(Debug, clap::Args)]
struct IdentityFlags {
    /// Get a certificate for this identity, and renew it at half its life: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT
    #[arg(long, value_name = "SPIFFE_ID", requires = "ca_cluster")]
    identity: Option<String>,

    /// Cluster of the bootstrap that leads to the certificate service (istio.v1.auth.IstioCertificateService)
    #[arg(long, value_name = "NAME", requires = "identity")]
    ca_cluster: Option<String>,

    /// File with the token for the certificate service
    #[arg(long, value_name = "FILE", requires = "identity", value_hint = clap::ValueHint::FilePath)]
    ca_token: Option<PathBuf>,

    /// File with trusted roots, beside the one that comes with the certificate
    #[arg(long, value_name = "FILE", requires = "identity", value_hint = clap::ValueHint::FilePath)]
    ca_roots: Option<PathBuf>,

    /// Name of the Kubernetes cluster, for the certificate service
    #[arg(long, value_name = "NAME", requires = "identity")]
    ca_cluster_id: Option<String>,

    /// Lifetime of certificates to ask for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    ca_lifetime_s: u64,
}

impl IdentityFlags {
    fn settings(&self) -> Option<Settings> {
        Some(Settings {
            id: self.identity.clone()?,
            cluster: self.ca_cluster.clone()?,
            token: self.ca_token.clone(),
            roots: self.ca_roots.clone(),
            cluster_id: self.ca_cluster_id.clone().unwrap_or_default(),
            lifetime: Duration::from_secs(self.ca_lifetime_s),
        })
    }
}

/// Flags of Envoy that change nothing here: there is no hot restart, logs are written at once, and unknown fields are
/// always refused.
#[derive(Debug, clap::Args)]
struct EnvoyFlags {
    #[arg(long, hide = true)]
    parent_shutdown_time_s: Option<u64>,
    #[arg(long, hide = true)]
    drain_strategy: Option<String>,
    #[arg(long, hide = true)]
    base_id: Option<u64>,
    #[arg(long, hide = true)]
    use_dynamic_base_id: bool,
    #[arg(long, hide = true)]
    restart_epoch: Option<u64>,
    #[arg(long, hide = true)]
    disable_hot_restart: bool,
    #[arg(long, hide = true)]
    file_flush_interval_msec: Option<u64>,
    #[arg(long, hide = true)]
    local_address_ip_version: Option<String>,
    #[arg(long, hide = true)]
    component_log_level: Option<String>,
    #[arg(long, hide = true)]
    allow_unknown_static_fields: bool,
    #[arg(long, hide = true)]
    reject_unknown_dynamic_fields: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Serve until a signal
    #[default]
    Serve,
    /// Check the configuration and end
    Validate,
    /// Start, and end once everything is initialised
    #[value(name = "init_only", alias = "init-only")]
    InitOnly,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Level {
    Trace,
    Debug,
    #[default]
    Info,
    #[value(alias = "warning")]
    Warn,
    #[value(alias = "critical")]
    Error,
    Off,
}

/// Starts the proxy and waits for its end.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let documents = documents(args)?;
    let mut configured = match bootstrap(&documents) {
        Ok(configured) => configured,
        Err(defects) => return refuse(ctx, defects, &documents),
    };
    name_node(&mut configured, args);
    let options = Options {
        concurrency: args.concurrency.unwrap_or_else(cpus),
        drain_time: Duration::from_secs(args.drain_time_s),
        termination_drain: Duration::from_secs(args.termination_drain_s),
        signals: true,
        identity: args.identity.settings(),
    };
    let names: Vec<&str> = documents.iter().map(Document::name).collect();
    let done = match args.mode {
        Mode::Validate => Server::validate(&configured).map(|()| None),
        Mode::Serve | Mode::InitOnly => {
            embedded_proxy::telemetry::log::start(level(args.log_level));
            Server::start(configured, &options).map(Some)
        }
    };
    match done {
        Err(defects) => refuse(ctx, defects, &documents),
        Ok(None) => {
            writeln!(ctx.ui.out(), "configuration '{}' OK", names.join("' + '"))?;
            Ok(Exit::Ok)
        }
        Ok(Some(server)) if args.mode == Mode::InitOnly => {
            server.initialised();
            server.shutdown();
            Ok(Exit::Ok)
        }
        Ok(Some(server)) => {
            server.wait();
            Ok(Exit::Ok)
        }
    }
}

fn documents(args: &Args) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    // clap hands MESHCTL_CONFIG, which stands for meshctl.yaml, down to this flag of the same name.
    let inherited = env::variable("MESHCTL_CONFIG").map(PathBuf::from);
    if let Some(path) = args.config.as_ref().filter(|path| inherited.as_ref() != Some(path)) {
        documents.push(Document::read(path)?);
    }
    if let Some(text) = &args.config_yaml {
        documents.push(Document::parse("--config-yaml", text.clone())?);
    }
    if documents.is_empty() {
        return Err(
            Failure::usage("there is no configuration").hint("Give a file with --config, or YAML with --config-yaml.")
        );
    }
    Ok(documents)
}

fn refuse(ctx: &mut Ctx, defects: Vec<Defect>, documents: &[Document]) -> Result<Exit, Failure> {
    for problem in Problem::locate(defects, documents) {
        problem.write(ctx.ui.err())?;
    }
    let failure = Failure::config("the proxy cannot honour this configuration, so it does not start");
    Err(failure.hint("Each line above names a field, and why: change it, or remove what the proxy does not have."))
}

fn name_node(bootstrap: &mut Bootstrap, args: &Args) {
    let node = &mut bootstrap.node;
    let flags = [
        (&args.service_cluster, &mut node.cluster),
        (&args.service_node, &mut node.id),
        (&args.service_zone, &mut node.locality.1),
    ];
    for (flag, field) in flags {
        if let Some(value) = flag {
            value.clone_into(field);
        }
    }
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Off => "off",
    }
}
