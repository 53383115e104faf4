//! Redirects of an upstream that the proxy follows itself.

use http::{HeaderName, StatusCode};

use crate::proto::Reader;

/// `InternalRedirectPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalRedirects {
    /// How many are followed in a row.
    pub max: u32,
    /// Whether one may lead from http to https or back.
    pub cross_scheme: bool,
    /// Fields of the redirect that the new request gets.
    pub copy: Vec<HeaderName>,
    codes: Vec<u16>,
}

/// Statuses that are redirects.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

impl InternalRedirects {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        if let Some(predicate) = reader.list("predicates").first() {
            predicate.defect("", "the proxy does not have predicates of internal redirects");
            return None;
        }
        let copy: Vec<_> = reader.texts("response_headers_to_copy");
        let copy: Vec<_> =
            copy.iter().map(|name| super::header_name(reader, "response_headers_to_copy", name)).collect();
        let codes = reader.numbers("redirect_response_codes");
        let codes: Vec<u16> = codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect();
        Some(Self {
            max: reader.u32("max_internal_redirects").unwrap_or(1),
            cross_scheme: reader.flag("allow_cross_scheme_redirect"),
            copy: copy.into_iter().collect::<Option<_>>()?,
            codes: if codes.is_empty() { vec![302] } else { codes },
        })
    }

    /// Whether a status is followed. Statuses that are no redirects are not, even when they are configured.
    pub fn follows(&self, status: StatusCode) -> bool {
        let status = status.as_u16();
        self.codes.contains(&status) && REDIRECTS.contains(&status)
    }
}
