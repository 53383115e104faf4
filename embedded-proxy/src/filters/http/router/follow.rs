//! Following a redirect of the upstream: the request is changed and goes through the filters once more.

use http::{HeaderName, HeaderValue, Method, header};

use crate::http::{Body, RequestHead, ResponseHead};
use crate::route::{Input, InternalRedirects, RouteHit, names};
use crate::stream::{Exchange, Scratch, UpstreamInfo};

use super::replay::{Keeping, Replay};

/// How many redirects an exchange has followed.
struct Followed(u32);

/// Makes the exchange the one that the redirect asks for; false when it may not be followed, then nothing is changed.
pub(super) fn follow(
    exchange: &mut Exchange,
    response: &ResponseHead,
    rules: &InternalRedirects,
    hit: &RouteHit,
    body: &Replay,
) -> bool {
    let followed = exchange.scratch.get::<Followed>().map_or(0, |followed| followed.0);
    let complete = body.ended_at(exchange.info.started).is_some() && body.keeping() == Keeping::Whole;
    if followed >= rules.max || !complete {
        return false;
    }
    let Some(head) = redirected(&exchange.request.head, response, rules) else { return false };
    let input = Input { head: &head, ..Input::of(exchange) };
    let Some(route) = hit.table().find(&input) else { return false };
    let drops_body = head.method != exchange.request.head.method;
    exchange.request.head = head;
    exchange.request.body = if drops_body { Body::Empty } else { body.body() };
    exchange.route = Some(route);
    // Filters meet the request as a new one.
    exchange.scratch = Scratch::default();
    exchange.scratch.put(Followed(followed + 1));
    exchange.info.upstream = UpstreamInfo::default();
    exchange.info.attempts = 0;
    true
}

/// The head of the new request; none when the location is no absolute URL, or changes the scheme where it must not.
fn redirected(old: &RequestHead, response: &ResponseHead, rules: &InternalRedirects) -> Option<RequestHead> {
    let (scheme, authority, path) = parse(response.headers.text(&header::LOCATION)?)?;
    if scheme != old.scheme && !rules.cross_scheme {
        return None;
    }
    let mut head = old.clone();
    let url = format!("{}://{}{}", old.scheme, old.authority, old.path);
    head.headers.set(names::ORIGINAL_URL, HeaderValue::try_from(url).ok()?);
    head.scheme = scheme;
    head.authority = authority.to_string();
    head.path = path;
    if response.status == http::StatusCode::SEE_OTHER && !matches!(head.method, Method::GET | Method::HEAD) {
        head.method = Method::GET;
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
            head.headers.remove(&name);
        }
    }
    for name in &rules.copy {
        copy(&mut head, response, name);
    }
    Some(head)
}

/// The new request has the field as the redirect has it, or not at all.
fn copy(head: &mut RequestHead, response: &ResponseHead, name: &HeaderName) {
    head.headers.remove(name);
    for value in response.headers.all(name) {
        head.headers.add(name.clone(), value.clone());
    }
}

/// Scheme, authority and path of an absolute URL. The fragment is for the client alone.
fn parse(url: &str) -> Option<(&'static str, &str, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "http" => "http",
        "https" => "https",
        _ => return None,
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((scheme, authority, format!("{slash}{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_urls_are_followed() {
        assert_eq!(parse("http://h:1/p?q#f"), Some(("http", "h:1", "/p?q".into())));
        assert_eq!(parse("https://h?q"), Some(("https", "h", "/?q".into())));
        assert_eq!(parse("https://h"), Some(("https", "h", "/".into())));
        assert_eq!(
            (parse("/p"), parse("ftp://h/"), parse("http:///p"), parse("http://u@h/")),
            (None, None, None, None)
        );
    }
}
