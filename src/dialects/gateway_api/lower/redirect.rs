//! Redirects, and the port that they name.

use super::path;
use super::scope::{Refusal, Served};
use crate::dialects::gateway_api::types::RequestRedirect;
use crate::ir::{Name, Redirect, RedirectPort};
use crate::schema::Text;

/// The redirect that a filter says.
pub fn redirect(at: &str, filter: &RequestRedirect, served: Served, of_prefix: bool) -> Result<Redirect, Refusal> {
    let refuse = |reason: String| Err(Refusal::new(at, filter.place, reason));
    let scheme = filter.scheme.as_ref().map(Text::as_str);
    if let Some(scheme) = scheme.filter(|scheme| !matches!(*scheme, "http" | "https")) {
        return refuse(format!("a redirect leads to http or https, not to `{scheme}`"));
    }
    let status = filter.status_code.as_ref().map_or(302, |status| status.value);
    let Some(status) = u16::try_from(status).ok().filter(|status| [301, 302, 303, 307, 308].contains(status)) else {
        return refuse(format!("`{status}` is no status of a redirect"));
    };
    let path = filter.path.as_ref().map(|path| path::edit(&format!("{at}.path"), path, of_prefix)).transpose()?;
    let said = filter.port.as_ref().map(|port| port.value);
    let said = match said.map(u16::try_from) {
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return refuse("the port must be from 1 to 65535".into()),
        None => None,
    };
    Ok(Redirect {
        scheme: scheme.map(Name::from),
        host: filter.hostname.as_ref().map(|host| host.as_str().into()).filter(|host: &Name| !host.is_empty()),
        port: Some(port(scheme, said, served)),
        path,
        status,
        strip_query: false,
    })
}

/// The port: the one that is said, that of the scheme, or that of the listener. The usual port of the scheme is not written.
fn port(scheme: Option<&str>, said: Option<u16>, served: Served) -> RedirectPort {
    let number = match (said, scheme) {
        (Some(port), _) => Some(port),
        (None, Some(_)) => return RedirectPort::OfScheme,
        (None, None) => served.port,
    };
    let usual = match scheme {
        Some("https") => 443,
        None if served.tls => 443,
        _ => 80,
    };
    match number {
        Some(number) if number == usual => RedirectPort::OfScheme,
        Some(number) => RedirectPort::Number(number),
        None => RedirectPort::OfRequest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_derived_as_the_specification_says() {
        let at = |port, tls| Served { in_mesh: false, port: Some(port), tls };
        for (scheme, said, served, want) in [
            (None, None, at(80, false), RedirectPort::OfScheme),
            (None, None, at(8080, false), RedirectPort::Number(8080)),
            (None, None, at(443, true), RedirectPort::OfScheme),
            (None, None, at(443, false), RedirectPort::Number(443)),
            (Some("https"), None, at(8080, false), RedirectPort::OfScheme),
            (Some("https"), Some(443), at(8080, false), RedirectPort::OfScheme),
            (Some("https"), Some(80), at(8080, false), RedirectPort::Number(80)),
            (None, Some(8083), at(80, false), RedirectPort::Number(8083)),
            (None, None, Served { in_mesh: true, port: None, tls: false }, RedirectPort::OfRequest),
        ] {
            assert_eq!(port(scheme, said, served), want, "{scheme:?} {said:?} {served:?}");
        }
    }
}
