//! What an HTTP route does: redirects, answers, rewrites, header edits, retries, faults, cross-origin rules.

use base64::Engine as _;

use super::http_match::text;
use crate::dialects::istio::types as istio;
use crate::ir::{
    Abort, Cors, DirectResponse, Fault, HeaderEdit, HeaderEdits, Name, Origin, PathEdit, Redirect, RedirectPort, Retry,
    Rewrite, Share, TextMatch,
};
use crate::schema::{Map, Text, values::text_or_empty};

/// A redirect.
pub fn redirect(redirect: &istio::HttpRedirect) -> Redirect {
    let port = redirect.port.as_ref().and_then(|port| u16::try_from(port.value).ok()).map(RedirectPort::Number);
    let derived = redirect.derive_port.as_ref().map(|derive| match derive.value {
        istio::RedirectPort::FromProtocolDefault => RedirectPort::OfScheme,
        istio::RedirectPort::FromRequestPort => RedirectPort::OfRequest,
    });
    let name =
        |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.as_str())).filter(|text| !text.is_empty());
    let code = redirect.redirect_code.as_ref().and_then(|code| u16::try_from(code.value).ok());
    Redirect {
        scheme: name(&redirect.scheme),
        host: name(&redirect.authority),
        port: port.or(derived),
        path: name(&redirect.uri).map(PathEdit::Full).or_else(|| name(&redirect.prefix_rewrite).map(PathEdit::Prefix)),
        status: code.filter(|code| [301, 302, 303, 307, 308].contains(code)).unwrap_or(301),
        strip_query: false,
    }
}

/// A fixed answer. A body that is not base64 is empty.
pub fn direct(direct: &istio::HttpDirectResponse) -> DirectResponse {
    let status = direct.status.as_ref().and_then(|status| u16::try_from(status.value).ok());
    let body = direct.body.as_ref().map(|body| match (&body.string, &body.bytes) {
        (Some(text), _) => text.as_str().as_bytes().to_vec(),
        (None, bytes) => {
            base64::engine::general_purpose::STANDARD.decode(text_or_empty(bytes.as_ref())).unwrap_or_default()
        }
    });
    DirectResponse { status: status.unwrap_or(500), body: body.unwrap_or_default() }
}

/// A rewrite.
pub fn rewrite(rewrite: &istio::HttpRewrite) -> Rewrite {
    let regex = rewrite.uri_regex_rewrite.as_ref().map(|regex| PathEdit::Regex {
        pattern: text_or_empty(regex.r#match.as_ref()).into(),
        substitution: text_or_empty(regex.rewrite.as_ref()).into(),
    });
    let prefix = rewrite.uri.as_ref().filter(|uri| !uri.as_str().is_empty());
    Rewrite {
        path: regex.or_else(|| prefix.map(|uri| PathEdit::Prefix(uri.as_str().into()))),
        host: rewrite.authority.as_ref().map(|host| host.as_str().into()).filter(|host: &Name| !host.is_empty()),
        host_of_endpoint: false,
    }
}

/// Header edits, and the new host when the request's host header is among those that are set.
pub fn headers(headers: Option<&istio::Headers>) -> (HeaderEdits, Option<Name>) {
    let Some(headers) = headers else { return (HeaderEdits::default(), None) };
    let mut edits = HeaderEdits {
        request: headers.request.as_ref().map(edit).unwrap_or_default(),
        response: headers.response.as_ref().map(edit).unwrap_or_default(),
    };
    let is_host = |name: &str| name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority");
    let host = edits.request.set.iter().find(|(name, _)| is_host(name)).map(|(_, value)| value.clone());
    edits.request.set.retain(|(name, _)| !is_host(name));
    (edits, host)
}

fn edit(operations: &istio::HeaderOperations) -> HeaderEdit {
    let pairs = |map: &Map<Text>| {
        let mut pairs: Vec<(Name, Name)> = map.pairs().map(|(name, value)| (name.into(), value.into())).collect();
        pairs.sort();
        pairs
    };
    HeaderEdit {
        remove: operations.remove.iter().map(|name| name.as_str().into()).collect(),
        set: pairs(&operations.set),
        add: pairs(&operations.add),
    }
}

/// A percentage, or what holds when it is not set.
pub fn percent(percent: Option<&istio::Percent>, unset: Share) -> Share {
    percent.map_or(unset, |percent| Share::percent(percent.value.as_ref().map_or(0.0, |value| value.value)))
}

/// Retries. Numbers among the conditions are status codes.
pub fn retry(retry: &istio::HttpRetry, origin: Origin) -> Retry {
    let words = text_or_empty(retry.retry_on.as_ref()).split(',').map(str::trim).filter(|word| !word.is_empty());
    let (statuses, mut conditions): (Vec<&str>, Vec<&str>) = words.partition(|word| word.parse::<u16>().is_ok());
    if statuses.is_empty() && conditions.is_empty() {
        conditions = vec!["connect-failure", "refused-stream", "unavailable", "cancelled"];
    }
    let period = |period: &Option<crate::schema::At<crate::schema::Period>>| {
        period.as_ref().map(|period| period.value.0).filter(|period| !period.is_zero())
    };
    Retry {
        origin,
        attempts: retry.attempts.as_ref().and_then(|attempts| u32::try_from(attempts.value).ok()).unwrap_or(0),
        per_try_timeout: period(&retry.per_try_timeout),
        conditions: conditions.into_iter().map(Into::into).collect(),
        statuses: statuses.iter().filter_map(|status| status.parse().ok()).collect(),
        backoff: period(&retry.backoff),
        max_backoff: None,
        avoid_tried: retry.retry_ignore_previous_hosts.as_ref().is_none_or(|avoid| avoid.value),
        other_localities: retry.retry_remote_localities.as_ref().is_some_and(|other| other.value),
    }
}

/// Faults. A percentage that is not set is none at all.
pub fn fault(fault: &istio::HttpFaultInjection, origin: Origin) -> Fault {
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    let old = |percent: &Option<crate::schema::Int>| {
        percent.as_ref().map_or(Share::NONE, |percent| Share::percent(percent.value as f64))
    };
    let delay = fault.delay.as_ref().and_then(|delay| {
        let time = delay.fixed_delay.as_ref()?.value.0;
        Some((time, percent(delay.percentage.as_ref(), old(&delay.percent))))
    });
    let abort = fault.abort.as_ref().and_then(|abort| {
        let http = abort.http_status.as_ref().and_then(|status| u16::try_from(status.value).ok()).map(Abort::Http);
        let grpc = abort.grpc_status.as_ref().and_then(|status| grpc_status(status.as_str())).map(Abort::Grpc);
        Some((http.or(grpc)?, percent(abort.percentage.as_ref(), Share::NONE)))
    });
    Fault { origin, delay, abort }
}

/// A gRPC status by number or by name.
fn grpc_status(text: &str) -> Option<u32> {
    let by_name = || istio::GRPC_STATUSES.iter().position(|name| *name == text).and_then(|at| u32::try_from(at).ok());
    text.parse().ok().or_else(by_name)
}

/// Cross-origin rules.
pub fn cors(cors: &istio::CorsPolicy, origin: Origin) -> Cors {
    let words = |list: &crate::schema::List<Text>| list.iter().map(|word| word.as_str().into()).collect();
    let old = cors.allow_origin.iter().map(|text| TextMatch::exact(text.as_str()));
    let ignores = |kind: &istio::UnmatchedPreflights| *kind == istio::UnmatchedPreflights::Ignore;
    Cors {
        origin,
        origins: cors.allow_origins.iter().map(text).chain(old).collect(),
        methods: words(&cors.allow_methods),
        headers: words(&cors.allow_headers),
        expose: words(&cors.expose_headers),
        max_age: cors.max_age.as_ref().map(|age| age.value.0),
        credentials: cors.allow_credentials.as_ref().map(|allow| allow.value),
        forward_unmatched: !cors.unmatched_preflights.as_ref().is_some_and(|kind| ignores(&kind.value)),
    }
}
