//! A token: its three parts, read but not yet believed.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::status::Status;

/// Base64url with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The signature algorithms that a token may name.
const ALGORITHMS: [&str; 13] = [
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA",
];

/// A parsed token. Its text is a credential: there is no Debug.
pub(super) struct Token {
    /// Header fields.
    pub(super) header: Map<String, Value>,
    /// Claims.
    pub(super) payload: Map<String, Value>,
    /// The payload as it stands in the token.
    pub(super) payload_base64: String,
    /// What is signed: header and payload with the dot between them.
    pub(super) signed: String,
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// `alg`.
    pub(super) alg: String,
    /// `kid`, empty when there is none.
    pub(super) kid: String,
    /// `iss`, empty when there is none.
    pub(super) iss: String,
    /// `sub`, empty when there is none.
    pub(super) sub: String,
    /// `aud`.
    pub(super) aud: Vec<String>,
    nbf: u64,
    /// `exp`, 0 when there is none.
    pub(super) exp: u64,
}

impl Token {
    /// Reads the compact form. Empty parts between dots do not count, as in Envoy.
    pub(super) fn parse(text: &str) -> Result<Self, Status> {
        let mut parts = text.split('.').filter(|part| !part.is_empty());
        let (Some(head), Some(body), Some(tail), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Status::BadFormat);
        };
        let header = object(head, Status::HeaderBase64, Status::HeaderJson)?;
        let alg = match header.get("alg") {
            Some(Value::String(alg)) => alg.clone(),
            _ => return Err(Status::HeaderAlg),
        };
        if !ALGORITHMS.contains(&alg.as_str()) {
            return Err(Status::HeaderAlgUnknown);
        }
        let kid = text_field(&header, "kid", Status::HeaderKid)?;
        let payload = object(body, Status::PayloadBase64, Status::PayloadJson)?;
        let iss = text_field(&payload, "iss", Status::Iss)?;
        let sub = text_field(&payload, "sub", Status::Sub)?;
        time_field(&payload, "iat", Status::IatKind, Status::IatRange)?;
        let nbf = time_field(&payload, "nbf", Status::NbfKind, Status::NbfRange)?;
        let exp = time_field(&payload, "exp", Status::ExpKind, Status::ExpRange)?;
        text_field(&payload, "jti", Status::Jti)?;
        let aud = audiences(&payload)?;
        let signature = BASE64.decode(tail).map_err(|_| Status::SignatureBase64)?;
        let (signed, payload_base64) = (format!("{head}.{body}"), body.to_string());
        Ok(Self { header, payload, payload_base64, signed, signature, alg, kid, iss, sub, aud, nbf, exp })
    }

    /// Whether the token holds at `now` (seconds since 1970), give or take `skew` seconds.
    pub(super) fn check_time(&self, now: u64, skew: u64) -> Result<(), Status> {
        if now.saturating_add(skew) < self.nbf {
            return Err(Status::NotYetValid);
        }
        if self.exp > 0 && now > self.exp.saturating_add(skew) {
            return Err(Status::Expired);
        }
        Ok(())
    }
}

fn object(part: &str, base64: Status, json: Status) -> Result<Map<String, Value>, Status> {
    let bytes = BASE64.decode(part).map_err(|_| base64)?;
    serde_json::from_slice(&bytes).map_err(|_| json)
}

fn text_field(object: &Map<String, Value>, name: &str, wrong: Status) -> Result<String, Status> {
    match object.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn time_field(object: &Map<String, Value>, name: &str, kind: Status, range: Status) -> Result<u64, Status> {
    let Some(value) = object.get(name) else { return Ok(0) };
    let Value::Number(number) = value else { return Err(kind) };
    match (number.as_u64(), number.as_f64()) {
        (Some(whole), _) => Ok(whole),
        (None, Some(real)) if (0.0..u64::MAX as f64).contains(&real) => Ok(real as u64),
        _ => Err(range),
    }
}

fn audiences(payload: &Map<String, Value>) -> Result<Vec<String>, Status> {
    match payload.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => {
            let texts = several.iter().map(|value| value.as_str().map(str::to_string));
            texts.collect::<Option<_>>().ok_or(Status::Aud)
        }
        Some(_) => Err(Status::Aud),
    }
}

/// The audiences that are allowed. `http://`, `https://` and a last slash do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Audiences(Vec<String>);

impl Audiences {
    /// These; none allows every token.
    pub(super) fn new(allowed: &[String]) -> Self {
        Self(allowed.iter().map(|audience| bare(audience).to_string()).collect())
    }

    /// Whether a token with these audiences may pass.
    pub(super) fn allow(&self, audiences: &[String]) -> bool {
        self.0.is_empty() || audiences.iter().any(|audience| self.0.iter().any(|allowed| allowed == bare(audience)))
    }
}

fn bare(audience: &str) -> &str {
    let rest = audience.strip_prefix("https://").or_else(|| audience.strip_prefix("http://")).unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    fn status(header: &str, payload: &str) -> Status {
        Token::parse(&token(header, payload)).err().unwrap_or(Status::Ok)
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = r#"{"alg":"RS256"}"#;
        assert_eq!(Token::parse("a.b").err(), Some(Status::BadFormat));
        assert_eq!(Token::parse("!.b.c").err(), Some(Status::HeaderBase64));
        assert_eq!(status("[]", "{}"), Status::HeaderJson);
        assert_eq!(status(r#"{"alg":1}"#, "{}"), Status::HeaderAlg);
        assert_eq!(status(r#"{"alg":"none"}"#, "{}"), Status::HeaderAlgUnknown);
        assert_eq!(status(good, "{"), Status::PayloadJson);
        assert_eq!(status(good, r#"{"exp":"1"}"#), Status::ExpKind);
        assert_eq!(status(good, r#"{"nbf":-1}"#), Status::NbfRange);
        assert_eq!(status(good, r#"{"aud":["a",1]}"#), Status::Aud);
        assert_eq!(status(good, r#"{"aud":["a"],"exp":1.5}"#), Status::Ok);
    }

    #[test]
    fn times_hold_within_the_skew() {
        let token = Token::parse(&token(r#"{"alg":"RS256"}"#, r#"{"nbf":1000,"exp":2000}"#)).ok().unwrap();
        assert_eq!(token.check_time(939, 60), Err(Status::NotYetValid));
        assert_eq!(token.check_time(940, 60), Ok(()));
        assert_eq!(token.check_time(2060, 60), Ok(()));
        assert_eq!(token.check_time(2061, 60), Err(Status::Expired));
    }

    #[test]
    fn audiences_compare_without_scheme_and_slash() {
        let allowed = Audiences::new(&["https://a.com/".into()]);
        assert!(allowed.allow(&["a.com".into()]) && allowed.allow(&["x".into(), "http://a.com".into()]));
        assert!(!allowed.allow(&[]) && Audiences::default().allow(&[]));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-zA-Z0-9_.=-]{0,60}") {
            let _ = Token::parse(&text);
        }
    }
}
