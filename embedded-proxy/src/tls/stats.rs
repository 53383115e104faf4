//! Counters of handshakes under `ssl.` of a listener or cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::errors::HandshakeError;
use super::verify::Failed;
use crate::stream::Tls;
use crate::telemetry::stats::{Counter, Scope};

/// Counters of one TLS context.
#[derive(Debug)]
pub(super) struct TlsStats {
    scope: Scope,
    handshake: Arc<Counter>,
    reused: Arc<Counter>,
    error: Arc<Counter>,
    no_certificate: Arc<Counter>,
    fail_no_certificate: Arc<Counter>,
    fail_chain: Arc<Counter>,
    fail_name: Arc<Counter>,
    fail_pin: Arc<Counter>,
    /// Handshakes refused because our own certificate is out of its validity. Envoy has no such counter.
    pub expired: Arc<Counter>,
    by_word: Mutex<BTreeMap<(&'static str, String), Arc<Counter>>>,
}

impl TlsStats {
    pub fn new(scope: &Scope) -> Self {
        let scope = scope.sub("ssl");
        Self {
            handshake: scope.counter("handshake"),
            reused: scope.counter("session_reused"),
            error: scope.counter("connection_error"),
            no_certificate: scope.counter("no_certificate"),
            fail_no_certificate: scope.counter("fail_verify_no_cert"),
            fail_chain: scope.counter("fail_verify_error"),
            fail_name: scope.counter("fail_verify_san"),
            fail_pin: scope.counter("fail_verify_cert_hash"),
            expired: scope.counter("own_certificate_expired"),
            by_word: Mutex::default(),
            scope,
        }
    }

    fn word(&self, prefix: &'static str, tag: &'static str, word: &str) {
        let mut all = self.by_word.lock();
        let counter = all.entry((prefix, word.to_string()));
        counter.or_insert_with(|| self.scope.counter_tagged(prefix, tag, word)).inc();
    }

    /// A handshake that succeeded.
    pub fn succeeded(&self, tls: &Tls, group: &str) {
        self.handshake.inc();
        if tls.resumed {
            self.reused.inc();
        }
        if tls.peer_sha256.is_empty() {
            self.no_certificate.inc();
        }
        self.word("ciphers.", "envoy_ssl_cipher", &tls.cipher);
        self.word("versions.", "envoy_ssl_version", tls.version);
        if !group.is_empty() {
            self.word("curves.", "envoy_ssl_curve", group);
        }
    }

    /// A handshake that failed.
    pub fn failed(&self, error: &HandshakeError) {
        match error.failed {
            Some(Failed::Chain) => self.fail_chain.inc(),
            Some(Failed::Name) => self.fail_name.inc(),
            Some(Failed::Pin) => self.fail_pin.inc(),
            None if error.no_certificate => self.fail_no_certificate.inc(),
            None => self.error.inc(),
        }
    }
}
