//! Redirects, fixed answers and rewrites (rules 19 and 20).

use super::http::filled;
use crate::analyzers::schema::shared::{Report, Verdict, ports, regexes};
use crate::dialects::istio::types::{HttpDirectResponse, HttpRewrite, HttpRoute};

/// Bytes in a fixed answer that the control plane still takes.
const BODY_MAX: usize = 1024 * 1024;
/// Bytes above which a fixed answer burdens the control plane.
const BODY_LARGE: usize = 100 * 1024;

/// Rule 19: redirects.
pub fn redirect(report: &mut Report<'_>, route: &HttpRoute) {
    let Some(redirect) = &route.redirect else { return };
    let uri = filled(redirect.uri.as_ref());
    let prefix = filled(redirect.prefix_rewrite.as_ref());
    if let (Some(_), Some(prefix)) = (uri, prefix) {
        report.error(prefix.place.entry(), "a redirect takes either `uri` or `prefixRewrite`");
        return;
    }
    if let Some(prefix) = prefix {
        let other = route.r#match.iter().filter_map(|m| m.uri.as_ref()).find(|uri| uri.prefix.is_none());
        if let Some(other) = other {
            let file = report.meta.file;
            report
                .error(
                    prefix.place.entry(),
                    "`prefixRewrite` needs a prefix to replace, so every `uri` condition must be a prefix",
                )
                .related(file, other.place.entry(), "this one is not");
        }
    }
    let nothing = uri.is_none()
        && prefix.is_none()
        && filled(redirect.authority.as_ref()).is_none()
        && filled(redirect.scheme.as_ref()).is_none()
        && redirect.port.is_none()
        && redirect.derive_port.is_none();
    if nothing {
        report
            .error(redirect.place.entry(), "the redirect leads back to the same URL")
            .help("set `uri`, `prefixRewrite`, `authority`, `scheme` or `port`");
    }
    let code = redirect.redirect_code.as_ref().filter(|code| code.value != 0);
    report.value(code, |code| match code {
        300..=399 => Ok(()),
        _ => Err(format!("{code} is no redirect: the code must be from 300 to 399")),
    });
    report.text(filled(redirect.scheme.as_ref()), |scheme| match scheme {
        "http" | "https" => Ok(()),
        _ => Err(format!("the scheme of a redirect is `http` or `https`, not {scheme:?}")),
    });
    report.value(redirect.port.as_ref().filter(|port| port.value != 0), ports::port);
}

/// Rule 19: fixed answers.
pub fn direct_response(report: &mut Report<'_>, response: Option<&HttpDirectResponse>) {
    let Some(response) = response else { return };
    report.value(response.status.as_ref(), http_status);
    let Some(body) = &response.body else { return };
    for text in [&body.string, &body.bytes].into_iter().flatten() {
        // Base64 takes four characters for three bytes.
        let is_base64 = body.bytes.as_ref().is_some_and(|bytes| bytes.place == text.place);
        let size = if is_base64 { text.as_str().len() / 4 * 3 } else { text.as_str().len() };
        let key = crate::manifests::source::Span::new(text.place.key, text.place.start);
        if size > BODY_MAX {
            report.error(key, "the answer is over 1 MiB: every proxy would get it from the control plane");
        } else if size > BODY_LARGE {
            report.warning(key, "the answer is over 100 KiB, which burdens the control plane: every proxy gets it");
        }
    }
}

/// A status that a proxy can answer with.
pub fn http_status(status: i64) -> Verdict {
    if (200..=599).contains(&status) || status == 600 {
        return Ok(());
    }
    Err(format!("{status} is no HTTP status that a proxy can answer with: use 200 to 599"))
}

/// Rule 20: rewrites.
pub fn rewrite(report: &mut Report<'_>, rewrite: Option<&HttpRewrite>) {
    let Some(rewrite) = rewrite else { return };
    let uri = filled(rewrite.uri.as_ref());
    match (&rewrite.uri_regex_rewrite, uri) {
        (Some(regex), Some(_)) => {
            report.error(regex.place.entry(), "a rewrite takes either `uri` or `uriRegexRewrite`");
        }
        (None, None) if filled(rewrite.authority.as_ref()).is_none() => {
            report
                .error(rewrite.place.entry(), "the rewrite changes nothing")
                .help("set `uri`, `uriRegexRewrite` or `authority`");
        }
        _ => {}
    }
    if let Some(regex) = &rewrite.uri_regex_rewrite {
        let expression = filled(regex.r#match.as_ref());
        if expression.is_none() || filled(regex.rewrite.as_ref()).is_none() {
            report.error(regex.place.entry(), "`uriRegexRewrite` needs both `match` and `rewrite`");
        }
        report.text(expression, regexes::re2);
    }
}
