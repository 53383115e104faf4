//! Redirects and fixed answers.

use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source::Specifier};
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, RedirectAction,
    redirect_action::{PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier},
};

use super::edit::{NewPath, new_path};
use crate::ir::{DirectResponse, HttpMatch, Redirect, RedirectPort};

/// A redirect. `port` is the one that the request came to.
pub fn redirect(redirect: &Redirect, condition: Option<&HttpMatch>, port: u16) -> RedirectAction {
    let code = match redirect.status {
        302 => RedirectResponseCode::Found,
        303 => RedirectResponseCode::SeeOther,
        307 => RedirectResponseCode::TemporaryRedirect,
        308 => RedirectResponseCode::PermanentRedirect,
        _ => RedirectResponseCode::MovedPermanently,
    };
    let path = redirect.path.as_ref().map(|edit| match new_path(edit, condition) {
        NewPath::Prefix(prefix) => PathRewriteSpecifier::PrefixRewrite(prefix),
        NewPath::Full(path) => PathRewriteSpecifier::PathRedirect(path),
        NewPath::Regex(regex) => PathRewriteSpecifier::RegexRewrite(regex),
    });
    RedirectAction {
        host_redirect: redirect.host.as_deref().unwrap_or_default().to_owned(),
        port_redirect: match redirect.port {
            Some(RedirectPort::Number(number)) => number.into(),
            Some(RedirectPort::OfRequest) => port.into(),
            Some(RedirectPort::OfScheme) | None => 0,
        },
        response_code: code.into(),
        strip_query: redirect.strip_query,
        scheme_rewrite_specifier: redirect.scheme.as_ref().map(|scheme| match &**scheme {
            "https" => SchemeRewriteSpecifier::HttpsRedirect(true),
            scheme => SchemeRewriteSpecifier::SchemeRedirect(scheme.to_owned()),
        }),
        path_rewrite_specifier: path,
    }
}

/// A fixed answer.
pub fn direct(response: &DirectResponse) -> DirectResponseAction {
    let body = (!response.body.is_empty()).then(|| match String::from_utf8(response.body.clone()) {
        Ok(text) => Specifier::InlineString(text),
        Err(error) => Specifier::InlineBytes(error.into_bytes()),
    });
    DirectResponseAction {
        status: response.status.into(),
        body: body.map(|body| DataSource { specifier: Some(body), ..DataSource::default() }),
        ..DirectResponseAction::default()
    }
}

/// An answer without a body.
pub fn status(status: u16) -> DirectResponseAction {
    DirectResponseAction { status: status.into(), ..DirectResponseAction::default() }
}
