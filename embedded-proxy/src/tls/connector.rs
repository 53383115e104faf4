//! The transport socket of an upstream connection: `UpstreamTlsContext`, or plain TCP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{SignatureScheme, client};
use tokio_rustls::{TlsConnector, TlsStream};

use super::certificate::Certificate;
use super::context::{Common, out_of_validity, transport_socket, wire};
use super::errors::HandshakeError;
use super::material::{Live, Presented, Snapshot};
use super::params::Parameters;
use super::peer::{Recent, group};
use super::stats::TlsStats;
use super::validation::Validation;
use super::verify::ServerVerifier;
use crate::net::Io;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Tls;
use crate::telemetry::stats::Counter;

/// Configurations that differ in protocols or names and are kept for the next connection.
const KEPT: usize = 64;

/// What one connection wants of its handshake beyond what the configuration says. All fields may be left empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'t> {
    /// Server name from the request (`auto_sni`); replaces the configured one.
    pub sni: Option<&'t str>,
    /// The name or address that the certificate must hold (`auto_san_validation`), beside the chain; replaces the
    /// configured matchers of alternative names.
    pub san: Option<&'t str>,
    /// Host name of the endpoint, used where the configuration says `auto_host_sni`.
    pub hostname: Option<&'t str>,
    /// Protocols to offer instead of the configured ones.
    pub alpn: Option<&'t [&'t str]>,
    /// Protocols to offer when the configuration names none and `alpn` is none.
    pub alpn_fallback: &'t [&'t str],
}

/// The transport socket of a cluster, or of one of its matches: plain TCP or TLS. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    tls: Option<Arc<Context>>,
}

#[derive(Debug)]
struct Context {
    live: Live<State>,
    sni: Option<String>,
    auto_host_sni: bool,
    auto_sni_san: bool,
    alpn: Vec<String>,
    stats: TlsStats,
    not_ready: Arc<Counter>,
    recent: Recent,
}

/// Protocols, and the name that a certificate must hold.
type Variant = (Vec<String>, Option<String>);

/// What handshakes use, until certificates or roots change.
#[derive(Debug)]
struct State {
    parameters: Parameters,
    /// Sessions that may be resumed; with none there is no resumption.
    sessions: usize,
    certificates: Vec<Arc<Certificate>>,
    validation: Option<Arc<Validation>>,
    variants: Mutex<BTreeMap<Variant, Arc<ClientConfig>>>,
}

impl Connector {
    /// Reads an `envoy.config.core.v3.TransportSocket`: `raw_buffer` or `tls`. The scope of `build` is the cluster's.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let (name, config) = transport_socket(reader)?;
        match name.as_str() {
            "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" => Some(Self::default()),
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext" => {
                Some(Self { tls: Some(Arc::new(Context::read(&config, build)?)) })
            }
            _ => {
                config.ignore_all();
                config.defect("", format!("the proxy does not have the upstream transport socket {name}"));
                None
            }
        }
    }

    /// Plain TCP: for clusters without transport socket.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Whether connections are TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Waits until certificates and trusted roots are there.
    pub async fn ready(&self) {
        if let Some(tls) = &self.tls {
            tls.live.ready().await;
        }
    }

    /// Certificates that are shown and roots that are trusted now: for dumps.
    pub fn material(&self) -> Option<Presented> {
        let state = self.tls.as_ref()?.live.get().ok()?;
        Some((state.certificates.clone(), state.validation.clone()))
    }

    /// Makes the handshake over an established connection. TLS facts are none for plain TCP. The error is what Envoy
    /// prints as upstream transport failure reason (`TLS_error:...`). The caller limits the time.
    pub async fn connect(&self, io: Io, target: &Target<'_>) -> Result<(Io, Option<Arc<Tls>>), String> {
        let Some(tls) = &self.tls else { return Ok((io, None)) };
        match tls.connect(io, target).await {
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
        // Nothing is ever renegotiated; keys are used for what their certificates say.
        reader.ignore(&["allow_renegotiation", "enforce_rsa_key_usage"]);
        let common = Common::read(reader.message("common_tls_context"), build)?;
        if common.material.count() > 1 {
            reader.defect("common_tls_context", "a client shows one certificate only");
            return None;
        }
        let parameters = common.parameters;
        let sessions = reader.number("max_session_keys").unwrap_or(1);
        let sessions = usize::try_from(sessions).unwrap_or(usize::MAX).min(1024);
        Some(Self {
            live: Live::start(common.material, &build.services, move |snapshot| {
                let Snapshot { certificates, validation } = snapshot;
                let variants = Mutex::default();
                let state = State { parameters: parameters.clone(), sessions, certificates, validation, variants };
                state.config(&(Vec::new(), None)).map(|_| state)
            }),
            sni: reader.opt_text("sni"),
            auto_host_sni: reader.flag("auto_host_sni"),
            auto_sni_san: reader.flag("auto_sni_san_validation"),
            alpn: common.alpn,
            stats: TlsStats::new(&build.scope),
            not_ready: build.scope.sub("client_ssl_socket_factory").counter("upstream_context_secrets_not_ready"),
            recent: Recent::default(),
        })
    }

    /// The server name to send.
    fn server_name<'n>(&'n self, target: &Target<'n>) -> Option<&'n str> {
        let host = target.hostname.filter(|_| self.auto_host_sni);
        target.sni.or(host).or(self.sni.as_deref()).filter(|name| !name.is_empty())
    }

    fn protocols(&self, target: &Target<'_>) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        match target.alpn {
            Some(names) => owned(names),
            None if self.alpn.is_empty() => owned(target.alpn_fallback),
            None => self.alpn.clone(),
        }
    }

    async fn connect(&self, io: Io, target: &Target<'_>) -> Result<(Io, Arc<Tls>), HandshakeError> {
        let state = self.live.get().map_err(|why| {
            self.not_ready.inc();
            tracing::debug!("a TLS connection cannot be made: {why}");
            HandshakeError::own("Secret is not supplied by SDS")
        })?;
        if let Some(why) = out_of_validity(&state.certificates) {
            self.stats.expired.inc();
            tracing::warn!("a TLS connection cannot be made: {why}");
            return Err(HandshakeError::own(why));
        }
        let sni = self.server_name(target);
        let wanted = target.san.or(sni.filter(|_| self.auto_sni_san));
        let config =
            state.config(&(self.protocols(target), wanted.map(str::to_string))).map_err(HandshakeError::own)?;
        let name = match sni {
            Some(sni) => ServerName::try_from(sni.to_string())
                .map_err(|_| HandshakeError::own("the server name is malformed"))?,
            // An address is never sent as a server name; it only keeps sessions of hosts apart.
            None => ServerName::IpAddress(peer(&io).into()),
        };
        let stream = TlsConnector::from(config).connect(name, io).await.map_err(|error| HandshakeError::of(&error))?;
        let proves = state.validation.as_ref().is_some_and(|validation| validation.proves());
        let (_, session) = stream.get_ref();
        let own = state.certificates.first().map(|own| &**own);
        let tls = self.recent.facts(session, sni.map(str::to_string), own, proves);
        self.stats.succeeded(&tls, group(session));
        Ok((Io::Tls(Box::new(TlsStream::Client(stream))), tls))
    }
}

fn peer(io: &Io) -> IpAddr {
    io.peer().map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip())
}

impl State {
    /// The configuration for these protocols and this name, made when it is new.
    fn config(&self, variant: &Variant) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.variants.lock().get(variant) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.make(variant)?);
        let mut variants = self.variants.lock();
        if variants.len() >= KEPT {
            variants.clear();
        }
        variants.insert(variant.clone(), config.clone());
        Ok(config)
    }

    fn make(&self, (alpn, wanted): &Variant) -> Result<ClientConfig, String> {
        let provider = &self.parameters.provider;
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(self.parameters.versions).map_err(|error| error.to_string())?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(ServerVerifier {
            validation: self.validation.clone(),
            wanted: wanted.clone(),
            provider: provider.clone(),
        }));
        let mut config = match self.certificates.first() {
            Some(own) => builder.with_client_cert_resolver(Arc::new(Own(own.key.clone()))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = wire(alpn);
        config.resumption = match self.sessions {
            0 => Resumption::disabled(),
            sessions => Resumption::store(Arc::new(client::ClientSessionMemoryCache::new(sessions))),
        };
        Ok(config)
    }
}

/// The certificate that a client shows, whatever the server asks for.
#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
