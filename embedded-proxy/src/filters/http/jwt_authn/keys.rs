//! Key sets: reading a JWKS, and checking a signature with it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::status::Status;
use super::token::Token;

/// One public key.
struct Key {
    kid: String,
    /// The algorithm the set names for it, empty when it names none.
    alg: String,
    material: Material,
}

enum Material {
    /// RS and PS.
    Rsa(DecodingKey),
    /// ES256 and ES384: the algorithm that goes with the curve.
    Ec(Algorithm, DecodingKey),
    /// ES512: the uncompressed point.
    P521(Vec<u8>),
    /// HS.
    Secret(DecodingKey),
    /// EdDSA.
    Ed25519(DecodingKey),
}

/// The keys of a provider. No Debug: there may be shared secrets among them.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// Reads a JWKS. Keys that cannot be used are left out; none left is no set.
    pub(super) fn parse(jwks: &[u8]) -> Option<Self> {
        let set: Value = serde_json::from_slice(jwks).ok()?;
        let keys: Vec<Key> = set.get("keys")?.as_array()?.iter().filter_map(key).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Checks the signature with the keys that `kid` and `alg` allow, one after the other.
    pub(super) fn verify(&self, token: &Token) -> Result<(), Status> {
        let mut matched = false;
        for key in &self.0 {
            let other_kid = !token.kid.is_empty() && !key.kid.is_empty() && token.kid != key.kid;
            if other_kid || (!key.alg.is_empty() && key.alg != token.alg) {
                continue;
            }
            matched = true;
            if matches!(key.material, Material::Ed25519(_)) && token.signature.len() != 64 {
                return Err(Status::SignatureLength);
            }
            if key.material.verifies(token) {
                return Ok(());
            }
        }
        Err(if matched { Status::Verification } else { Status::KidAlgMismatch })
    }
}

impl Material {
    /// The kind of key decides which algorithms it takes: a token cannot turn a public key into a shared secret.
    fn verifies(&self, token: &Token) -> bool {
        if let Self::P521(point) = self {
            return token.alg == "ES512" && p521(point, token);
        }
        let Ok(alg) = token.alg.parse::<Algorithm>() else { return false };
        let key = match (self, &token.alg[..2]) {
            (Self::Rsa(key), "RS" | "PS") | (Self::Secret(key), "HS") | (Self::Ed25519(key), "Ed") => key,
            (Self::Ec(own, key), "ES") if *own == alg => key,
            _ => return false,
        };
        let signature = BASE64_URL_SAFE_NO_PAD.encode(&token.signature);
        jsonwebtoken::crypto::verify(&signature, token.signed.as_bytes(), key, alg).unwrap_or(false)
    }
}

fn text<'j>(jwk: &'j Value, name: &str) -> Option<&'j str> {
    jwk.get(name)?.as_str()
}

fn key(jwk: &Value) -> Option<Key> {
    // A field of the wrong kind spoils the key.
    let optional = |name| match jwk.get(name) {
        None => Some(""),
        Some(value) => value.as_str(),
    };
    let (kid, alg) = (optional("kid")?, optional("alg")?);
    let fits = |prefixes: &[&str]| alg.is_empty() || prefixes.iter().any(|prefix| alg.starts_with(prefix));
    let material = match text(jwk, "kty")? {
        "RSA" if fits(&["RS", "PS"]) => {
            Material::Rsa(DecodingKey::from_rsa_components(text(jwk, "n")?, text(jwk, "e")?).ok()?)
        }
        "EC" if fits(&["ES"]) => ec(jwk, alg, optional("crv")?)?,
        "oct" if fits(&["HS"]) => {
            Material::Secret(DecodingKey::from_secret(&BASE64_URL_SAFE_NO_PAD.decode(trim(text(jwk, "k")?)).ok()?))
        }
        "OKP" if (alg.is_empty() || alg == "EdDSA") && text(jwk, "crv")? == "Ed25519" => {
            let x = text(jwk, "x")?;
            if BASE64_URL_SAFE_NO_PAD.decode(trim(x)).ok()?.len() != 32 {
                return None;
            }
            Material::Ed25519(DecodingKey::from_ed_components(trim(x)).ok()?)
        }
        _ => return None,
    };
    Some(Key { kid: kid.to_string(), alg: alg.to_string(), material })
}

fn trim(base64: &str) -> &str {
    base64.trim_end_matches('=')
}

/// An elliptic curve key: curve and algorithm must agree; one of them, or neither (then P-256), may be missing.
fn ec(jwk: &Value, alg: &str, crv: &str) -> Option<Material> {
    let curve = match (alg, crv) {
        ("ES256" | "", "" | "P-256") => 256,
        ("ES384", "" | "P-384") | ("", "P-384") => 384,
        ("ES512", "" | "P-521") | ("", "P-521") => 521,
        _ => return None,
    };
    let (x, y) = (trim(text(jwk, "x")?), trim(text(jwk, "y")?));
    if curve == 521 {
        let mut point = vec![4];
        for part in [x, y] {
            let part = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
            point.resize(point.len() + 66_usize.checked_sub(part.len())?, 0);
            point.extend(part);
        }
        return Some(Material::P521(point));
    }
    let alg = if curve == 256 { Algorithm::ES256 } else { Algorithm::ES384 };
    Some(Material::Ec(alg, DecodingKey::from_ec_components(x, y).ok()?))
}

fn p521(point: &[u8], token: &Token) -> bool {
    if token.signature.len() != 132 {
        return false;
    }
    let (r, s) = token.signature.split_at(66);
    webpki::aws_lc_rs::ECDSA_P521_SHA512.verify_signature(point, token.signed.as_bytes(), &der(r, s)).is_ok()
}

/// The DER form of a signature of two numbers.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    for number in [r, s] {
        let digits = number.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &number[first..]);
        let sign = digits.first().is_none_or(|first| *first >= 0x80);
        numbers.extend([2, u8::try_from(digits.len() + usize::from(sign)).unwrap_or(0)]);
        numbers.extend(sign.then_some(0));
        numbers.extend(digits);
    }
    let mut signature = vec![0x30];
    if numbers.len() >= 0x80 {
        signature.push(0x81);
    }
    signature.push(u8::try_from(numbers.len()).unwrap_or(0));
    signature.extend(numbers);
    signature
}

#[cfg(test)]
pub(super) mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    /// A P-256 key: its JWK, and what signs with it.
    pub(in super::super) fn p256(kid: &str) -> (Value, EncodingKey) {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let point = pair.public_key_raw().to_vec();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": part(&point[1..33]), "y": part(&point[33..65]) });
        (jwk, EncodingKey::from_ec_der(&pair.serialize_der()))
    }

    /// A signed ES256 token.
    pub(in super::super) fn sign(key: &EncodingKey, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = kid.map(str::to_string);
        encode(&header, claims, key).unwrap()
    }

    fn keys(jwks: &[&Value]) -> Keys {
        Keys::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_right_key_verifies() {
        let ((one, sign_one), (two, sign_two)) = (p256("one"), p256("two"));
        let both = keys(&[&one, &two]);
        let verify = |key, kid, keys: &Keys| keys.verify(&Token::parse(&sign(key, kid, &json!({}))).ok().unwrap());
        assert_eq!(verify(&sign_two, Some("two"), &both), Ok(()));
        assert_eq!(verify(&sign_two, None, &both), Ok(()));
        assert_eq!(verify(&sign_one, Some("two"), &both), Err(Status::Verification));
        assert_eq!(verify(&sign_one, Some("three"), &both), Err(Status::KidAlgMismatch));
    }

    #[test]
    fn a_changed_payload_fails() {
        let (jwk, key) = p256("k");
        let token = sign(&key, None, &json!({ "sub": "a" }));
        let parts: Vec<&str> = token.split('.').collect();
        let forged = format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"b"}"#), parts[2]);
        assert_eq!(keys(&[&jwk]).verify(&Token::parse(&forged).ok().unwrap()), Err(Status::Verification));
    }

    #[test]
    fn a_public_key_is_no_secret() {
        let (jwk, _) = p256("k");
        let x = BASE64_URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let forged = encode(&Header::new(Algorithm::HS256), &json!({}), &EncodingKey::from_secret(&x)).unwrap();
        assert_eq!(keys(&[&jwk]).verify(&Token::parse(&forged).ok().unwrap()), Err(Status::Verification));
    }

    #[test]
    fn keys_of_other_kinds() {
        let secret = json!({ "kty": "oct", "alg": "HS256", "k": BASE64_URL_SAFE_NO_PAD.encode("0123456789abcdef") });
        let token =
            encode(&Header::new(Algorithm::HS256), &json!({}), &EncodingKey::from_secret(b"0123456789abcdef")).unwrap();
        assert_eq!(keys(&[&secret]).verify(&Token::parse(&token).ok().unwrap()), Ok(()));

        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw()) });
        let key = EncodingKey::from_ed_der(&pair.serialize_der());
        let token = encode(&Header::new(Algorithm::EdDSA), &json!({}), &key).unwrap();
        assert_eq!(keys(&[&ed]).verify(&Token::parse(&token).ok().unwrap()), Ok(()));
    }

    #[test]
    fn es512_is_checked_over_its_der_form() {
        use rcgen::SigningKey as _;
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let point = pair.public_key_raw().to_vec();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({ "kty": "EC", "crv": "P-521", "x": part(&point[1..67]), "y": part(&point[67..]) });
        let signed = format!("{}.{}", part(br#"{"alg":"ES512"}"#), part(b"{}"));
        // rcgen signs in DER: two numbers, each with its length, within a sequence with a long length.
        let der = pair.sign(signed.as_bytes()).unwrap();
        let (mut raw, mut rest) = (Vec::new(), &der[3..]);
        for _ in 0..2 {
            let length = usize::from(rest[1]);
            let number = &rest[2..2 + length];
            let digits = if number.len() > 66 { &number[1..] } else { number };
            raw.resize(raw.len() + 66 - digits.len(), 0);
            raw.extend(digits);
            rest = &rest[2 + length..];
        }
        let token = Token::parse(&format!("{signed}.{}", part(&raw))).ok().unwrap();
        assert_eq!(keys(&[&jwk]).verify(&token), Ok(()));
        raw[40] ^= 1;
        let token = Token::parse(&format!("{signed}.{}", part(&raw))).ok().unwrap();
        assert_eq!(keys(&[&jwk]).verify(&token), Err(Status::Verification));
    }

    #[test]
    fn what_is_no_key_set() {
        for jwks in
            ["", "{}", r#"{"keys":{}}"#, r#"{"keys":[{"kty":"EC"}]}"#, r#"{"keys":[{"kty":"RSA","alg":"ES256"}]}"#]
        {
            assert!(Keys::parse(jwks.as_bytes()).is_none(), "{jwks}");
        }
    }
}
