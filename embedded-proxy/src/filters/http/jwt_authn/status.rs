//! How checking a token ends: Envoy's numbers and texts, which clients and access logs see.

/// Outcome of a check. `code` is the number that `failed_status_in_metadata` shows, `text` is the response body.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Status {
            $($(#[$doc])* $name,)*
        }

        impl Status {
            /// Number of the status in Envoy.
            pub(super) fn code(self) -> u32 {
                match self { $(Self::$name => $code,)* }
            }

            /// Text of the status in Envoy.
            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

statuses! {
    /// Good.
    Ok = 0, "OK";
    /// There is none.
    Missing = 1, "Jwt is missing";
    /// `nbf` is ahead.
    NotYetValid = 2, "Jwt not yet valid";
    /// `exp` is behind.
    Expired = 3, "Jwt is expired";
    /// Not three parts.
    BadFormat = 4, "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
    /// Header is not base64url.
    HeaderBase64 = 5, "Jwt header is an invalid Base64url encoded";
    /// Header is not a JSON object.
    HeaderJson = 6, "Jwt header is an invalid JSON";
    /// `alg` is missing.
    HeaderAlg = 7, "Jwt header [alg] field is required and must be a string";
    /// `alg` is unknown.
    HeaderAlgUnknown = 8, "Jwt header [alg] is not supported";
    /// `kid` is no text.
    HeaderKid = 9, "Jwt header [kid] field is not a string";
    /// Payload is not base64url.
    PayloadBase64 = 10, "Jwt payload is an invalid Base64url encoded";
    /// Payload is not a JSON object.
    PayloadJson = 11, "Jwt payload is an invalid JSON";
    /// `iss` is no text.
    Iss = 12, "Jwt payload [iss] field is not a string";
    /// `sub` is no text.
    Sub = 13, "Jwt payload [sub] field is not a string";
    /// `iat` is no number.
    IatKind = 14, "Jwt payload [iat] field is not an integer";
    /// `iat` is negative or too large.
    IatRange = 15, "Jwt payload [iat] field is not a positive 64 bit integer";
    /// `nbf` is no number.
    NbfKind = 16, "Jwt payload [nbf] field is not an integer";
    /// `nbf` is negative or too large.
    NbfRange = 17, "Jwt payload [nbf] field is not a positive 64 bit integer";
    /// `exp` is no number.
    ExpKind = 18, "Jwt payload [exp] field is not an integer";
    /// `exp` is negative or too large.
    ExpRange = 19, "Jwt payload [exp] field is not a positive 64 bit integer";
    /// `jti` is no text.
    Jti = 20, "Jwt payload [jti] field is not a string";
    /// `aud` is neither text nor a list of texts.
    Aud = 21, "Jwt payload [aud] field is not a string or string list";
    /// Signature is not base64url.
    SignatureBase64 = 22, "Jwt signature is an invalid Base64url encoded";
    /// An Ed25519 signature has 64 bytes.
    SignatureLength = 23, "Jwt ED25519 signature is wrong length";
    /// No provider has this issuer.
    UnknownIssuer = 24, "Jwt issuer is not configured";
    /// None of the audiences is allowed.
    Audience = 25, "Audiences in Jwt are not allowed";
    /// The signature is wrong.
    Verification = 26, "Jwt verification fails";
    /// No key has this `kid` and `alg`.
    KidAlgMismatch = 32, "Jwks doesn't have key to match kid or alg from Jwt";
    /// The keys could not be fetched.
    FetchFailed = 40, "Jwks remote fetch is failed";
}
