//! Header names and values (rules 14, 15, 16 and 17).

use super::Verdict;

/// Headers of HTTP/2 that carry the request line.
const PSEUDO: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":status"];

/// Beginning of a name that means a claim of the request's token.
const CLAIM: &str = "@request.auth.claims";

/// True for a header name of RFC 9110.
pub fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// True when a header match means a claim: `@request.auth.claims.group` or `@request.auth.claims[group]`.
pub fn is_claim(name: &str) -> bool {
    let Some(head) = name.get(..CLAIM.len()) else { return false };
    let rest = &name[CLAIM.len()..];
    let dotted = rest.starts_with('.') && rest.len() > 1;
    let bracketed = rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2;
    head.eq_ignore_ascii_case(CLAIM) && (dotted || bracketed)
}

/// A header name in a match: a token, a pseudo header or a claim.
pub fn match_name(name: &str) -> Verdict {
    if is_token(name) || PSEUDO.contains(&name) || is_claim(name) {
        return Ok(());
    }
    Err(bad_name(name))
}

/// A header name in a CORS list: a token or `*`.
pub fn cors_name(name: &str) -> Verdict {
    if is_token(name) { Ok(()) } else { Err(bad_name(name)) }
}

/// A header name of letters, digits and `-`, as Kubernetes wants it in probes.
pub fn probe_name(name: &str) -> Verdict {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(());
    }
    Err(bad_name(name))
}

fn bad_name(name: &str) -> String {
    if name.is_empty() { "a header name must not be empty".to_owned() } else { format!("{name:?} is no header name") }
}

/// True for the header that names the host of a request.
pub fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// A header that a route may set or add in requests; the authority is allowed.
pub fn request_change(name: &str) -> Verdict {
    if is_authority(name) { Ok(()) } else { change(name) }
}

/// A header that a route may remove, or change in responses.
pub fn change(name: &str) -> Verdict {
    if name.is_empty() {
        return Err(bad_name(name));
    }
    if name.eq_ignore_ascii_case("host") {
        return Err("the Host header cannot be changed here: use `rewrite.authority`".to_owned());
    }
    if name.starts_with(':') {
        return Err(format!("{name:?} is a pseudo header, which a route cannot change"));
    }
    Ok(())
}

/// A header value as Envoy formats it: `%NAME%` or `%NAME(ARGS)%` is a variable, `%%` is a percent sign.
pub fn value(text: &str) -> Verdict {
    if text.chars().any(|c| c.is_control() && c != '\t' && (c as u32) < 0x80) {
        return Err("a header value must not have control characters".to_owned());
    }
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        rest = match rest.strip_prefix('%') {
            Some(after) => after,
            None => variable(rest).ok_or_else(|| {
                format!("the header value {text:?} has a `%` that begins no variable: write `%%` for a percent sign")
            })?,
        };
    }
    Ok(())
}

/// What follows the variable at the beginning of `text` (after its first `%`); nothing when it does not end.
fn variable(text: &str) -> Option<&str> {
    let end = text.find(['%', '('])?;
    if text[end..].starts_with('%') {
        return Some(&text[end + 1..]);
    }
    let mut arguments = text[end + 1..].char_indices();
    let mut quoted = false;
    let close = loop {
        match arguments.next()? {
            (_, '\\') => {
                arguments.next()?;
            }
            (_, '"') => quoted = !quoted,
            (at, ')') if !quoted => break at,
            _ => {}
        }
    };
    text[end + 1 + close + 1..].trim_start_matches(' ').strip_prefix('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_14_names_in_matches() {
        for fine in ["end-user", ":authority", "@request.auth.claims.group", "@request.auth.claims[a][b]"] {
            assert_eq!(match_name(fine), Ok(()), "{fine}");
        }
        for bad in ["", "end user", ":unknown", "@request.auth.claims", "@request.auth.claims[]"] {
            assert!(match_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_16_names_in_changes() {
        assert!(request_change("Host").is_ok() && request_change(":authority").is_ok());
        assert!(request_change(":path").is_err() && change("host").is_err() && change("").is_err());
        assert!(change("x-version").is_ok());
    }

    #[test]
    fn rule_16_percent_signs() {
        for fine in
            ["", "100%%", "%HOSTNAME%", "a %START_TIME(%s)% b", "%PER_REQUEST_STATE(x)%", "%REQ([\"a\", \")\"])%"]
        {
            assert_eq!(value(fine), Ok(()), "{fine}");
        }
        for bad in ["100%", "abc%123", "%START_TIME%%", "%REQ(x", "a\u{1}"] {
            assert!(value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn odd_texts_do_not_panic() {
        for text in ["%é(", "é%", "%(\\", "@request.auth.claimé", "%()%"] {
            let _ = value(text);
            assert!(!is_claim(text));
        }
    }
}
