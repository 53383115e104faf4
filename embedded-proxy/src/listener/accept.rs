//! From an accepted socket to its filter chain, and there to its end.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::{Instant, timeout};

use super::sniff::{Refused, Sniff};
use super::sockets::{Acceptor, Socket};
use super::stats::Counted;
use super::{FilterChain, ListenerConfig};
use crate::filters::network::Session;
use crate::net::{Address, Io};
use crate::services::Services;
use crate::stream::{Connection, Flag, StreamInfo};
use crate::telemetry::format::{FormatContext, LogType};
use crate::telemetry::stats::Raised;

/// Time between attempts to accept when the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// What Envoy's logs say of a handshake that took too long.
const HANDSHAKE_TIMEOUT: &str = "transport socket timeout was reached";

/// Accepts connections on one worker until it is aborted. `active` may change at any time.
pub(super) async fn accept(
    socket: Socket,
    address: Address,
    active: Arc<ArcSwap<ListenerConfig>>,
    services: Arc<Services>,
) {
    let listener = match Acceptor::new(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(listener = %active.load().name, "the socket cannot be used: {error}");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((io, peer)) => {
                let config = active.load_full();
                // The peers of unix sockets have no names of their own: as in Envoy they share the listener's.
                let peer = peer.map_or_else(|| address.clone(), Address::Ip);
                tokio::spawn(serve(io, peer, config, services.clone()));
            }
            Err(error) if is_temporary(&error) => {}
            Err(error) => {
                tracing::warn!(listener = %active.load().name, "accepting failed: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The client went away before it was accepted.
fn is_temporary(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

async fn serve(io: Io, peer: Address, config: Arc<ListenerConfig>, services: Arc<Services>) {
    let bound = match io.tcp() {
        Some(tcp) => {
            let Ok(bound) = tcp.local_addr() else { return };
            // Small writes go out at once: codecs write whole messages.
            if tcp.set_nodelay(true).is_err() {
                return;
            }
            bound.into()
        }
        None => peer.clone(),
    };
    let connection = Connection::between(bound.canonical(), peer.canonical());
    serve_connection(io, connection, config, services).await;
}

/// Serves a connection of which the addresses are known.
pub(super) async fn serve_connection(
    io: Io,
    mut connection: Connection,
    config: Arc<ListenerConfig>,
    services: Arc<Services>,
) {
    let listeners = &services.listeners;
    let Some(_place) = listeners.place(&config) else { return };
    connection.id = listeners.next_id();
    let mut sniff = Sniff::new(io, connection);
    let mut config = config;
    if !inspect(&mut sniff, &config).await {
        return;
    }
    if config.use_original_dst
        && sniff.connection.local_restored
        && let Some(other) = listeners.at(&sniff.connection.local).filter(|other| !Arc::ptr_eq(other, &config))
    {
        config = other;
        if !inspect(&mut sniff, &config).await {
            return;
        }
    }
    let Some(chain) = config.find(&sniff.facts()).cloned() else {
        config.stats.no_match.inc();
        tracing::debug!(listener = %config.name, "no filter chain for {:?}", sniff.facts());
        unmatched(&config, sniff.connection);
        return;
    };
    let _counted = Counted::new(&config.stats);
    run(sniff, &config, &chain).await;
}

/// Runs the listener filters. False: the connection is not served.
async fn inspect(sniff: &mut Sniff, config: &ListenerConfig) -> bool {
    if config.filters.is_empty() {
        return true;
    }
    let _active = Raised::new(&config.stats.pre_active);
    match sniff.run(config).await {
        Ok(()) => return true,
        Err(Refused::Gone) => config.stats.filter_close.inc(),
        Err(Refused::Timeout) => config.stats.pre_timeout.inc(),
        Err(Refused::Broken) => config.stats.filter_error.inc(),
    }
    false
}

/// Logs a connection that no filter chain takes.
fn unmatched(config: &ListenerConfig, connection: Connection) {
    if config.logs.is_empty() {
        return;
    }
    let mut info = StreamInfo::begin();
    info.flags.set(Flag::NoRouteFound);
    info.details = Some("filter_chain_not_found".into());
    log(config, &of(config, None, connection), &mut info);
}

/// Logs a connection that has ended.
fn log(config: &ListenerConfig, connection: &Connection, info: &mut StreamInfo) {
    info.response_sent = Some(Instant::now());
    config.logs.log(&FormatContext { log_type: LogType::TcpConnectionEnd, ..FormatContext::new(connection, info) });
}

/// A connection with what it has from its listener and filter chain.
fn of(config: &ListenerConfig, chain: Option<&FilterChain>, mut connection: Connection) -> Connection {
    connection.listener = config.name.clone();
    if let Some(chain) = chain {
        connection.filter_chain = chain.name.clone();
    }
    connection.direction = config.direction;
    connection.buffer_limit = config.buffer_limit;
    connection
}

/// The handshake of the transport socket, then the network filters; what happened goes to the listener's logs.
async fn run(sniff: Sniff, config: &ListenerConfig, chain: &FilterChain) {
    let Sniff { io, bytes, mut connection, .. } = sniff;
    let io = Io::replay(bytes.freeze(), io);
    let drain = chain.drain.drain();
    let accepted = match chain.handshake_timeout {
        Some(longest) => timeout(longest, chain.acceptor.accept(io)).await,
        None => Ok(chain.acceptor.accept(io).await),
    };
    let mut record = (!config.logs.is_empty()).then(|| Box::new(StreamInfo::begin()));
    match accepted {
        Ok(Ok((io, tls))) => {
            if let Some(tls) = &tls {
                connection.transport_protocol = "tls";
                connection.sni = tls.sni.clone().or(connection.sni);
            }
            connection.tls = tls;
            let connection = of(config, Some(chain), connection);
            let logged = record.map(|record| Box::new((connection.clone(), record)));
            chain.network.serve(io, Session::new(connection), drain).await;
            if let Some(mut logged) = logged {
                let (connection, record) = &mut *logged;
                log(config, connection, record);
            }
        }
        failed => {
            // None: there was no time left.
            let why = failed.ok().and_then(Result::err);
            if why.is_none() {
                config.stats.connect_timeout.inc();
            }
            let text = why.as_deref().unwrap_or(HANDSHAKE_TIMEOUT);
            tracing::debug!(listener = %config.name, connection = connection.id, "handshake failed: {text}");
            if let Some(record) = &mut record {
                match why {
                    Some(why) => record.transport_failure = Some(why.into()),
                    None => record.termination = Some(HANDSHAKE_TIMEOUT.to_string()),
                }
                log(config, &of(config, Some(chain), connection), record);
            }
        }
    }
}
