//! Failed handshakes, in the words of Envoy's transport failure reasons and for its counters.

use std::io;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::verify::{Failed, Refusal};

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HandshakeError {
    /// As `%UPSTREAM_TRANSPORT_FAILURE_REASON%` has it.
    pub text: String,
    /// Which check of the peer's certificate failed, when one did.
    pub failed: Option<Failed>,
    /// The peer showed no certificate and had to.
    pub no_certificate: bool,
}

/// Numbers of OpenSSL's SSL library begin here.
const SSL: u32 = 0x1000_0000;

/// One of BoringSSL's errors: number and name.
fn library(reason: u32, name: &str) -> String {
    format!("TLS_error:|{}:SSL routines:OPENSSL_internal:{name}:TLS_error_end", SSL + reason)
}

impl HandshakeError {
    /// An error of our own.
    pub fn own(why: impl Into<String>) -> Self {
        Self { text: format!("TLS_error:{}:TLS_error_end", why.into()), failed: None, no_certificate: false }
    }

    /// Reads an error of a handshake.
    pub fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let Some(inner) = inner else {
            let text = match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                    "TLS_error:connection closed:TLS_error_end"
                }
                _ => "TLS_error:connection failed:TLS_error_end",
            };
            return Self { text: text.into(), failed: None, no_certificate: false };
        };
        let refusal = Refusal::of(inner);
        Self {
            text: text(inner),
            failed: refusal.map(|refusal| refusal.failed),
            no_certificate: matches!(inner, Error::NoCertificatesPresented),
        }
    }
}

fn text(error: &Error) -> String {
    if let Some(refusal) = Refusal::of(error) {
        let number = SSL + 125;
        let name = "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED";
        return format!("TLS_error:|{number}:{name}:{}:TLS_error_end", refusal.why);
    }
    match error {
        Error::InvalidCertificate(_) => library(125, "CERTIFICATE_VERIFY_FAILED"),
        Error::NoCertificatesPresented => library(199, "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion | InvalidMessage::InvalidContentType) => {
            library(247, "WRONG_VERSION_NUMBER")
        }
        Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic,
        ) => library(240, "UNSUPPORTED_PROTOCOL"),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => library(193, "NO_SHARED_CIPHER"),
        Error::AlertReceived(alert) => library(1000 + u32::from(u8::from(*alert)), alert_name(*alert)),
        other => format!("TLS_error:{other}:TLS_error_end"),
    }
}

fn alert_name(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CloseNotify => "SSLV3_ALERT_CLOSE_NOTIFY",
        A::UnexpectedMessage => "SSLV3_ALERT_UNEXPECTED_MESSAGE",
        A::BadRecordMac => "SSLV3_ALERT_BAD_RECORD_MAC",
        A::HandshakeFailure => "SSLV3_ALERT_HANDSHAKE_FAILURE",
        A::BadCertificate => "SSLV3_ALERT_BAD_CERTIFICATE",
        A::UnsupportedCertificate => "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        A::CertificateRevoked => "SSLV3_ALERT_CERTIFICATE_REVOKED",
        A::CertificateExpired => "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        A::CertificateUnknown => "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        A::IllegalParameter => "SSLV3_ALERT_ILLEGAL_PARAMETER",
        A::UnknownCA => "TLSV1_ALERT_UNKNOWN_CA",
        A::AccessDenied => "TLSV1_ALERT_ACCESS_DENIED",
        A::DecodeError => "TLSV1_ALERT_DECODE_ERROR",
        A::DecryptError => "TLSV1_ALERT_DECRYPT_ERROR",
        A::ProtocolVersion => "TLSV1_ALERT_PROTOCOL_VERSION",
        A::InsufficientSecurity => "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        A::InternalError => "TLSV1_ALERT_INTERNAL_ERROR",
        A::UserCanceled => "TLSV1_ALERT_USER_CANCELLED",
        A::UnrecognisedName => "TLSV1_UNRECOGNIZED_NAME",
        A::CertificateRequired => "TLSV1_ALERT_CERTIFICATE_REQUIRED",
        A::NoApplicationProtocol => "TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        _ => "TLSV1_ALERT",
    }
}
