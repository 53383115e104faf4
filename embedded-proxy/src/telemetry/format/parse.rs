//! Cutting a format string into texts and operators: `%NAME%`, `%NAME(parameters)%`, `%NAME(parameters):length%`.

/// A part of a format string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Text that stands for itself.
    Text(&'t str),
    /// An operator.
    Operator {
        /// Its name.
        name: &'t str,
        /// What stands in parentheses; empty when nothing does.
        parameters: &'t str,
        /// Most bytes that it may print.
        limit: Option<usize>,
    },
}

/// Cuts a format string. `%%` is a percent sign.
pub(super) fn tokens(format: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        if start > 0 {
            tokens.push(Token::Text(&rest[..start]));
        }
        let at = format.len() - rest.len() + start;
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            tokens.push(Token::Text("%"));
            rest = after;
            continue;
        }
        let (token, after) =
            operator(rest).ok_or_else(|| format!("no operator can be read at position {at} of {format:?}"))?;
        tokens.push(token);
        rest = after;
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest));
    }
    Ok(tokens)
}

/// Reads an operator behind its first percent sign, and what follows the last.
fn operator(text: &str) -> Option<(Token<'_>, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    if let Some((limit, rest)) = tail(rest) {
        return Some((Token::Operator { name, parameters: "", limit }, rest));
    }
    let inside = rest.strip_prefix('(')?;
    let line = inside.find('\n').unwrap_or(inside.len());
    // The first parenthesis that an end of the operator follows closes the parameters: they may hold parentheses.
    for (at, _) in inside[..line].match_indices(')') {
        if let Some((limit, rest)) = tail(&inside[at + 1..]) {
            return Some((Token::Operator { name, parameters: &inside[..at], limit }, rest));
        }
    }
    None
}

/// An optional `:length`, then the percent sign that ends an operator.
fn tail(text: &str) -> Option<(Option<usize>, &str)> {
    if let Some(rest) = text.strip_prefix('%') {
        return Some((None, rest));
    }
    let (number, rest) = text.strip_prefix(':')?.split_once('%')?;
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = if plain { number.parse().ok() } else { None };
    number.map(|number| (Some(number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn operator(name: &'static str, parameters: &'static str, limit: Option<usize>) -> Token<'static> {
        Token::Operator { name, parameters, limit }
    }

    #[test]
    fn operators_are_told_from_text() {
        assert_eq!(tokens("a %B% c").unwrap(), [Token::Text("a "), operator("B", "", None), Token::Text(" c")]);
        assert_eq!(tokens("%REQ(a?b):3%%%").unwrap(), [operator("REQ", "a?b", Some(3)), Token::Text("%")]);
        assert_eq!(tokens("%T(%s.%3f)%%T%").unwrap(), [operator("T", "%s.%3f", None), operator("T", "", None)]);
        assert_eq!(tokens("%C({\"a\":[\"b(\"]})%").unwrap(), [operator("C", "{\"a\":[\"b(\"]}", None)]);
    }

    #[test]
    fn what_envoy_cannot_read_is_an_error() {
        for format in ["%", "a%b", "%%%", "%req(a)%", "%REQ(a):%", "%REQ(a)", "%REQ(a):99999999999999999999999%"] {
            assert!(tokens(format).is_err(), "{format}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(format in "[%A(:)1é\n]{0,24}") {
            let _ = tokens(&format);
        }
    }
}
