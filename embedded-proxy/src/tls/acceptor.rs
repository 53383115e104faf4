//! The transport socket of a downstream connection: `DownstreamTlsContext`, or plain TCP.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{DistinguishedName, ServerConfig, SignatureAlgorithm, SignatureScheme};
use tokio_rustls::{LazyConfigAcceptor, TlsStream};

use super::certificate::Certificate;
use super::context::{Common, now, out_of_validity, transport_socket, wire};
use super::errors::HandshakeError;
use super::material::{Live, Presented, Snapshot};
use super::params::Parameters;
use super::peer::{Recent, group};
use super::stats::TlsStats;
use super::validation::Validation;
use super::verify::{ClientVerifier, Failed};
use crate::net::Io;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Tls;
use crate::telemetry::stats::Counter;

/// Sessions that are remembered when there are no tickets.
const SESSIONS: usize = 1024;

/// The transport socket of a filter chain: plain TCP or TLS.
#[derive(Debug, Default)]
pub struct Acceptor {
    tls: Option<Context>,
}

#[derive(Debug)]
struct Context {
    live: Live<State>,
    alpn: Vec<String>,
    require_sni: bool,
    stats: TlsStats,
    not_ready: Arc<Counter>,
    recent: Recent,
}

/// What handshakes use, until certificates or roots change.
#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    /// The same without application protocols, for clients that offer none of ours: they are served without.
    without_alpn: Arc<ServerConfig>,
    certificates: Vec<Arc<Certificate>>,
    validation: Option<Arc<Validation>>,
}

/// What the configuration says beside certificates and roots.
#[derive(Debug, Clone)]
struct Settings {
    parameters: Parameters,
    alpn: Vec<String>,
    require_client: bool,
    ask_client: bool,
    tickets: bool,
    sessions: bool,
    client_order: bool,
}

impl Acceptor {
    /// Reads an `envoy.config.core.v3.TransportSocket`: `raw_buffer` or `tls`. The scope of `build` is the listener's.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let (name, config) = transport_socket(reader)?;
        match name.as_str() {
            "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" => Some(Self::default()),
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext" => {
                Some(Self { tls: Some(Context::read(&config, build)?) })
            }
            _ => {
                config.ignore_all();
                config.defect("", format!("the proxy does not have the downstream transport socket {name}"));
                None
            }
        }
    }

    /// Waits until certificates and trusted roots are there.
    pub async fn ready(&self) {
        if let Some(tls) = &self.tls {
            tls.live.ready().await;
        }
    }

    /// Whether TLS ends here.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Certificates that are shown and roots that are trusted now: for dumps.
    pub fn material(&self) -> Option<Presented> {
        let state = self.tls.as_ref()?.live.get().ok()?;
        Some((state.certificates.clone(), state.validation.clone()))
    }

    /// Makes the handshake. TLS facts are none for plain TCP. The caller limits the time.
    pub async fn accept(&self, io: Io) -> Result<(Io, Option<Arc<Tls>>), String> {
        let Some(tls) = &self.tls else { return Ok((io, None)) };
        // A handshake needs kilobytes that no connection should hold on to for the rest of its life.
        match Box::pin(tls.accept(io)).await {
            Ok((io, facts)) => Ok((io, Some(facts))),
            Err(error) => {
                tls.stats.failed(&error);
                Err(error.text)
            }
        }
    }
}

impl Context {
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        if reader.word("ocsp_staple_policy") != "LENIENT_STAPLING" {
            reader.defect("ocsp_staple_policy", "the proxy does not staple OCSP responses");
        }
        // Certificates are looked through in full for the best one, which the flag asks for.
        reader.ignore(&["full_scan_certs_on_sni_mismatch"]);
        let common = Common::read(reader.message("common_tls_context"), build)?;
        if !common.material.has_certificates() {
            reader.defect("common_tls_context", "a server needs a certificate");
            return None;
        }
        let require_client = reader.flag("require_client_certificate");
        let settings = Settings {
            parameters: common.parameters,
            alpn: common.alpn.clone(),
            require_client,
            ask_client: require_client || common.material.has_validation(),
            tickets: !reader.flag("disable_stateless_session_resumption"),
            sessions: !reader.flag("disable_stateful_session_resumption"),
            client_order: reader.flag("prefer_client_ciphers"),
        };
        Some(Self {
            live: Live::start(common.material, &build.services, move |snapshot| State::new(snapshot, &settings)),
            alpn: common.alpn,
            require_sni: reader.flag("require_sni"),
            stats: TlsStats::new(&build.scope),
            not_ready: build.scope.sub("server_ssl_socket_factory").counter("downstream_context_secrets_not_ready"),
            recent: Recent::default(),
        })
    }

    async fn accept(&self, io: Io) -> Result<(Io, Arc<Tls>), HandshakeError> {
        let state = self.live.get().map_err(|why| {
            self.not_ready.inc();
            tracing::debug!("a TLS connection is refused: {why}");
            HandshakeError::own("Secret is not supplied by SDS")
        })?;
        if let Some(why) = out_of_validity(&state.certificates) {
            self.stats.expired.inc();
            tracing::warn!("a TLS connection is refused: {why}");
            return Err(HandshakeError::own(why));
        }
        let failed = |error: std::io::Error| HandshakeError::of(&error);
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io).await.map_err(failed)?;
        let hello = start.client_hello();
        let sni = hello.server_name().map(str::to_string);
        if self.require_sni && sni.is_none() {
            return Err(HandshakeError::own("no server name"));
        }
        let ours = |offered: &[u8]| self.alpn.iter().any(|own| own.as_bytes() == offered);
        let common = hello.alpn().is_some_and(|mut offered| offered.any(ours));
        let config = if common { &state.config } else { &state.without_alpn };
        let stream = start.into_stream(config.clone()).await.map_err(failed)?;
        let proves = state.validation.as_ref().is_some_and(|validation| validation.proves());
        let (_, session) = stream.get_ref();
        let own = choose(&state.certificates, sni.as_deref(), |_| true);
        let tls = self.recent.facts(session, sni, own.map(|own| &**own), proves);
        let group = group(session);
        check_resumed(&state, &tls)?;
        self.stats.succeeded(&tls, group);
        Ok((Io::Tls(Box::new(TlsStream::Server(stream))), tls))
    }
}

/// A resumed session was verified when it began: the certificate may have expired since.
fn check_resumed(state: &State, tls: &Tls) -> Result<(), HandshakeError> {
    let checks = state.validation.as_ref().is_some_and(|all| all.checks_chain() && !all.allows_expired());
    match tls.peer_valid {
        Some((_, until)) if tls.resumed && checks && until < now() => {
            let own = HandshakeError::own("the certificate of the resumed session has expired");
            Err(HandshakeError { failed: Some(Failed::Chain), ..own })
        }
        _ => Ok(()),
    }
}

impl State {
    fn new(snapshot: Snapshot, settings: &Settings) -> Result<Self, String> {
        let Snapshot { certificates, validation } = snapshot;
        let provider = &settings.parameters.provider;
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder =
            builder.with_protocol_versions(settings.parameters.versions).map_err(|error| error.to_string())?;
        let builder = if settings.ask_client {
            builder.with_client_cert_verifier(Arc::new(ClientVerifier {
                required: settings.require_client
                    || validation.as_ref().is_some_and(|validation| validation.needs_certificate()),
                hints: hints(validation.as_deref()),
                validation: validation.clone(),
                provider: provider.clone(),
            }))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(Arc::new(Resolver(certificates.clone())));
        config.ignore_client_order = !settings.client_order;
        // Tickets of an older state are not accepted by a newer one: each has keys of its own.
        if settings.tickets {
            config.ticketer = Ticketer::new().map_err(|error| error.to_string())?;
            config.session_storage = Arc::new(NoServerSessionStorage {});
        } else if settings.sessions {
            config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        let without_alpn = Arc::new(config.clone());
        config.alpn_protocols = wire(&settings.alpn);
        Ok(Self { config: Arc::new(config), without_alpn, certificates, validation })
    }
}

/// Subjects of the trusted roots, which clients with several certificates choose by.
fn hints(validation: Option<&Validation>) -> Vec<DistinguishedName> {
    let anchors = validation.filter(|all| !all.hides_roots()).map(|all| all.anchors.as_slice()).unwrap_or_default();
    anchors.iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject)).collect()
}

/// Shows the certificate that fits the server name best.
#[derive(Debug)]
struct Resolver(Vec<Arc<Certificate>>);

/// The best certificate that `usable` takes and that is valid now: the exact name before a wildcard before the first
/// one; ECDSA before RSA among equals.
fn choose<'c>(
    all: &'c [Arc<Certificate>],
    sni: Option<&str>,
    usable: impl Fn(&Certificate) -> bool,
) -> Option<&'c Arc<Certificate>> {
    let now = now();
    let fit = |certificate: &Certificate| sni.map_or(0, |sni| certificate.fits(sni));
    let elliptic = |certificate: &Certificate| certificate.key.key.algorithm() != SignatureAlgorithm::RSA;
    let usable = all.iter().filter(|certificate| certificate.facts.is_valid_at(now) && usable(certificate));
    // The first of equals: `max_by_key` would take the last.
    usable.rev().max_by_key(|certificate| (fit(certificate), elliptic(certificate)))
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes: &[SignatureScheme] = hello.signature_schemes();
        let usable = |certificate: &Certificate| certificate.key.key.choose_scheme(schemes).is_some();
        choose(&self.0, hello.server_name(), usable).map(|certificate| certificate.key.clone())
    }
}
