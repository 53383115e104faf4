//! The request's head as it goes upstream: header edits, rewritten path and host.

use http::{HeaderValue, header};

use crate::cluster::Host;
use crate::http::{Headers, RequestHead};
use crate::route::{HostRewrite, Input, RouteHit, names};
use crate::stream::Exchange;

/// Makes the route's edits and rewrites. `tell`: old path and host are kept in fields of Envoy's own.
pub(super) fn prepare(exchange: &mut Exchange, hit: &RouteHit, tell: bool) {
    let Some(forward) = hit.forward() else { return };
    hit.edit_request(exchange);
    if let Some(host) = hit.weighted().and_then(|weighted| weighted.host_rewrite.as_ref()) {
        rewrite_host(&mut exchange.request.head, host, forward.forwarded_host, tell);
    } else if let Some(rewrite) = &forward.host {
        let host = rewrite.apply(&Input::of(exchange)).map(std::borrow::Cow::into_owned);
        if let Some(host) = host {
            rewrite_host(&mut exchange.request.head, &host, forward.forwarded_host, tell);
        }
    }
    if let Some(rewrite) = &forward.path {
        let head = &mut exchange.request.head;
        let path = rewrite.apply(&head.path, &hit.route().matcher.path);
        let old = std::mem::replace(&mut head.path, path);
        if let Some(old) = HeaderValue::try_from(old).ok().filter(|_| tell) {
            head.headers.set(names::ORIGINAL_PATH, old);
        }
    }
}

/// Gives the request the name of the chosen host, where the route wants that and the host has one.
pub(super) fn prepare_for(head: &mut RequestHead, hit: &RouteHit, host: &Host, tell: bool) {
    let Some(forward) = hit.forward() else { return };
    if forward.host == Some(HostRewrite::Auto)
        && let Some(name) = host.hostname.as_deref().filter(|name| !name.is_empty())
        && head.authority != name
    {
        rewrite_host(head, name, forward.forwarded_host, tell);
    }
}

fn rewrite_host(head: &mut RequestHead, host: &str, keep: bool, tell: bool) {
    if keep && !head.authority.is_empty() {
        append_forwarded_host(&mut head.headers, &head.authority);
    }
    if let Some(old) = HeaderValue::try_from(head.authority.as_str()).ok().filter(|_| tell) {
        head.headers.set(names::ORIGINAL_HOST, old);
    }
    host.clone_into(&mut head.authority);
}

/// Appends to `x-forwarded-host`, unless it ends with this host already.
fn append_forwarded_host(headers: &mut Headers, host: &str) {
    let joined = match headers.joined(&names::FORWARDED_HOST) {
        Some(earlier) => {
            let earlier = String::from_utf8_lossy(&earlier);
            if earlier.rsplit(',').next().is_some_and(|last| last.trim() == host) {
                return;
            }
            format!("{earlier},{host}")
        }
        None => host.to_string(),
    };
    if let Ok(value) = HeaderValue::try_from(joined) {
        headers.set(names::FORWARDED_HOST, value);
    }
}

/// Adds the cookies that hashing made.
pub(super) fn set_cookies(headers: &mut Headers, cookies: Vec<String>) {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.add(header::SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::head;
    use super::*;

    #[test]
    fn the_old_host_is_kept_once() {
        let mut head = head("GET", "/", &[("x-forwarded-host", "a")]);
        rewrite_host(&mut head, "new", true, true);
        rewrite_host(&mut head, "new", false, false);
        assert_eq!(head.authority, "new");
        assert_eq!(head.headers.text(&names::FORWARDED_HOST), Some("a,example.com"));
        append_forwarded_host(&mut head.headers, "example.com");
        assert_eq!(head.headers.text(&names::FORWARDED_HOST), Some("a,example.com"));
    }
}
