//! Tokens that the control plane makes itself, for proxies of a mesh without a cluster.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::ir::Identity;

const ISSUER: &str = "meshctl";
/// Istio's name for who takes such tokens.
const AUDIENCE: &str = "istio-ca";
const SUBJECT: &str = "system:serviceaccount:";

/// Makes and checks tokens with a key of this process. The key is never printed.
pub struct Tokens {
    sign: EncodingKey,
    check: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
}

impl Tokens {
    /// With a new key. None when the system has no randomness.
    pub fn new() -> Option<Self> {
        let mut key = [0; 32];
        rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut key).ok()?;
        Some(Self { sign: EncodingKey::from_secret(&key), check: DecodingKey::from_secret(&key) })
    }

    /// A token for an identity.
    pub fn token(&self, identity: &Identity, life: Duration) -> Option<String> {
        let end = (SystemTime::now() + life).duration_since(UNIX_EPOCH).ok()?;
        let claims = Claims {
            iss: ISSUER.into(),
            sub: format!("{SUBJECT}{}:{}", identity.namespace, identity.account),
            aud: AUDIENCE.into(),
            exp: end.as_secs(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.sign).ok()
    }

    /// The identity of a token, when it is one of ours and still valid.
    pub fn identity(&self, token: &str) -> Option<Identity> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.leeway = 0;
        let claims = decode::<Claims>(token, &self.check, &validation).ok()?.claims;
        let (namespace, account) = claims.sub.strip_prefix(SUBJECT)?.split_once(':')?;
        Some(Identity { namespace: namespace.into(), account: account.into(), service: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_one_process_and_end() {
        let identity = Identity { namespace: "a".into(), account: "b".into(), service: None };
        let tokens = Tokens::new().unwrap();
        let token = tokens.token(&identity, Duration::from_secs(60)).unwrap();
        assert_eq!(tokens.identity(&token), Some(identity.clone()));
        assert_eq!(Tokens::new().unwrap().identity(&token), None);
        assert_eq!(tokens.identity(&token[..token.len() - 2]), None);
        let old = Claims { iss: ISSUER.into(), sub: format!("{SUBJECT}a:b"), aud: AUDIENCE.into(), exp: 1 };
        let old = encode(&Header::new(Algorithm::HS256), &old, &tokens.sign).unwrap();
        assert_eq!(tokens.identity(&old), None);
        assert_eq!(format!("{tokens:?}"), "Tokens");
    }
}
