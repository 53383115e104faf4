//! `meshctl control-plane run`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::Ipv4Net;
use tokio::net::TcpListener;

use super::reach::{TokenFile, not_listening, shown, write_secret};
use crate::context::Ctx;
use crate::control_plane::ads::Ads;
use crate::control_plane::ca::{Authority, Ca, Tokens};
use crate::control_plane::debug::Debug;
use crate::control_plane::engine::{Engine, Options, StartError};
use crate::control_plane::server::{ListenError, bind_plain, serve_plain, serve_tls};
use crate::control_plane::source::Directory;
use crate::dialects::model::Options as ModelOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ir::{AddressPlan, Identity};

/// Life of tokens that are written to files.
const TOKEN_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// Serve the mesh that manifests describe
///
/// Reads manifests as `meshctl analyze` does and follows their changes: proxies get what a change touches, and nothing
/// else. A file that breaks is reported with its line, and what it said before stays in force.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl control-plane run -f mesh/
  meshctl control-plane run -f mesh/ --tls-listen 0.0.0.0:15012 --tls-name mesh.example.com --ca-dir /var/lib/mesh/ca
  meshctl control-plane run -f mesh/ --token shop/web=/run/mesh/web.token")]
pub struct Args {
    /// Files and directories with manifests; may be repeated
    #[arg(long = "filename", short = 'f', value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Address of the listener without TLS; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15010")]
    listen: SocketAddr,

    /// Address of the listener with TLS, where proxies prove who they are
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15012")]
    tls_listen: SocketAddr,

    /// A name or address of the listener with TLS, for its certificate; may be repeated
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,

    /// Address for /debug, /metrics and /ready; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15014")]
    debug_listen: SocketAddr,

    /// Directory of the certificate authority (files as in Istio's secret `cacerts`), made when it is not there; without
    /// it, keys are in memory and end with the process
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    ca_dir: Option<PathBuf>,

    /// Write a token that proves this identity to a file; may be repeated
    #[arg(long = "token", value_name = "NAMESPACE/ACCOUNT=FILE")]
    tokens: Vec<TokenFile>,

    /// Namespace of objects that name none
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// Namespace of mesh-wide configuration
    #[arg(long, value_name = "NAMESPACE", default_value = "istio-system")]
    root_namespace: String,

    /// DNS suffix of Services
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    cluster_domain: String,

    /// Network that addresses of Services without one are taken from
    #[arg(long, value_name = "NETWORK", default_value = "10.96.0.0/12")]
    service_network: Ipv4Net,

    /// Network that addresses of workloads without one are taken from
    #[arg(long, value_name = "NETWORK", default_value = "10.244.0.0/16")]
    workload_network: Ipv4Net,

    /// How much to log to stderr: trace, debug, info, warn, error, off
    #[arg(long, short, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// Serves until a signal.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    embedded_proxy::telemetry::log::start(&args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(serve(ctx, args));
    runtime.shutdown_background();
    exit
}

async fn serve(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let engine = start(args).await?;
    let ca = Arc::new(authority(args, &engine)?);
    for TokenFile { identity, path } in &args.tokens {
        let token = ca.tokens.token(identity, TOKEN_LIFE).ok_or_else(|| Failure::bug("a token cannot be made"))?;
        write_secret(path, &token)
            .map_err(|error| Failure::input(format!("cannot write the token `{}`: {error}", path.display())))?;
    }
    let plain = bind_plain(args.listen).await.map_err(|error| not_listening(error, "--listen"))?;
    let debug = bind_plain(args.debug_listen).await.map_err(|error| not_listening(error, "--debug-listen"))?;
    let tls = TcpListener::bind(args.tls_listen)
        .await
        .map_err(|error| not_listening(ListenError::Bind(args.tls_listen, error), "--tls-listen"))?;
    let state = engine.state();
    ctx.ui.note(format!(
        "{} services, {} workloads; {}, {}, {}",
        state.mesh.services.len(),
        state.mesh.workloads.len(),
        shown("xDS on", plain.local_addr()),
        shown("with TLS on", tls.local_addr()),
        shown("debug on", debug.local_addr()),
    ))?;
    ctx.ui.flush()?;
    let ads = Ads::new(engine, Arc::default());
    let own = Identity {
        namespace: state.mesh.settings.root_namespace.clone(),
        account: "meshctl-control-plane".into(),
        service: None,
    };
    let served = tokio::select! {
        served = serve_plain(plain, Arc::clone(&ads), Some(Arc::clone(&ca))) => served,
        served = serve_tls(tls, Arc::clone(&ads), Arc::clone(&ca), names(args), own) => served,
        served = Debug::new(ads, ca).serve(debug) => served,
        stopped = stopped() => stopped,
    };
    served.map_err(|error| Failure::input(format!("a listener failed: {error}")))?;
    Ok(Exit::Ok)
}

async fn start(args: &Args) -> Result<Arc<Engine>, Failure> {
    let model = ModelOptions {
        default_namespace: args.namespace.clone(),
        root_namespace: args.root_namespace.clone(),
        cluster_domain: args.cluster_domain.clone(),
        ..ModelOptions::default()
    };
    let plan = AddressPlan { services: args.service_network, workloads: args.workload_network };
    let options = Options { model, plan: Some(plan), ..Options::default() };
    let started = Engine::start(options, Box::new(Directory::new(args.paths.clone()))).await;
    started.map_err(|error| match &error {
        StartError::Broken(broken) => {
            let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
            let failure = Failure::input(error);
            let hint = "A control plane starts with all of its configuration or not at all: part of it could open what another part closes.";
            failure.hint(format!("Correct these lines:\n{}", lines.join("\n"))).hint(hint)
        }
        _ => Failure::input(error),
    })
}

fn authority(args: &Args, engine: &Engine) -> Result<Ca, Failure> {
    let trust_domain = engine.state().mesh.settings.trust_domain.clone();
    let authority = match &args.ca_dir {
        Some(directory) => Authority::in_directory(&trust_domain, directory),
        None => Authority::in_memory(&trust_domain),
    };
    let authority = authority.map_err(Failure::input)?;
    let tokens = Tokens::new().ok_or_else(|| Failure::input("the system gives no random numbers"))?;
    Ok(Ca { authority, tokens })
}

fn names(args: &Args) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "::1", "meshctl-control-plane.mesh-system.svc"].map(str::to_owned);
    let mut names: Vec<String> = args.tls_names.iter().cloned().chain(own).collect();
    if !args.tls_listen.ip().is_unspecified() {
        names.push(args.tls_listen.ip().to_string());
    }
    names.sort();
    names.dedup();
    names
}

/// Waits for a signal to end.
async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}
