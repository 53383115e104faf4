//! Compares conditions of routes: equality, and whether one takes every request that another takes.

use embedded_proxy::matching::ValueMatcher;

use crate::dialects::istio::types::{Comparison, HttpMatchRequest, L4MatchAttributes, StringMatch, TlsMatchAttributes};
use crate::schema::{Int, List, Map, Text};

/// A text that is equal for HTTP conditions that mean the same (names and metric prefixes do not count).
pub fn canonical_http(condition: &HttpMatchRequest) -> String {
    let mut text = String::new();
    let plain = [&condition.uri, &condition.scheme, &condition.method, &condition.authority];
    for comparison in plain {
        text.push_str(&canonical(comparison.as_ref()));
        text.push('\n');
    }
    text.push_str(if condition.ignore_uri_case.as_ref().is_some_and(|b| b.value) { "fold\n" } else { "\n" });
    text.push_str(&others(condition));
    text
}

/// Everything but path, scheme, method and authority.
fn others(condition: &HttpMatchRequest) -> String {
    let mut text = String::new();
    for map in [&condition.headers, &condition.without_headers, &condition.query_params] {
        let mut parts: Vec<String> =
            map.iter().map(|(name, c)| format!("{:?}={}", name.as_str(), canonical(Some(c)))).collect();
        parts.sort();
        text.push_str(&parts.join("\t"));
        text.push('\n');
    }
    text.push_str(&where_from(condition.port.as_ref(), &condition.source_labels, &condition.gateways));
    text.push_str(condition.source_namespace.as_ref().map_or("", Text::as_str));
    text
}

/// The same for conditions of TCP routes.
pub fn canonical_l4(condition: &L4MatchAttributes) -> String {
    let mut text = where_from(condition.port.as_ref(), &condition.source_labels, &condition.gateways);
    text.push_str(&sorted(&condition.destination_subnets));
    text.push_str(condition.source_subnet.as_ref().map_or("", Text::as_str));
    text.push('\n');
    text.push_str(condition.source_namespace.as_ref().map_or("", Text::as_str));
    text
}

/// The same for conditions of TLS routes.
pub fn canonical_tls(condition: &TlsMatchAttributes) -> String {
    let mut text = where_from(condition.port.as_ref(), &condition.source_labels, &condition.gateways);
    text.push_str(&sorted(&condition.destination_subnets));
    text.push_str(&sorted(&condition.sni_hosts));
    text.push_str(condition.source_namespace.as_ref().map_or("", Text::as_str));
    text
}

fn where_from(port: Option<&Int>, labels: &Map<Text>, gateways: &List<Text>) -> String {
    let mut pairs: Vec<String> = labels.pairs().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.sort();
    format!("{}\n{}\n{}", port.map_or(0, |port| port.value), pairs.join(","), sorted(gateways))
}

fn sorted(list: &List<Text>) -> String {
    let mut words: Vec<&str> = list.iter().map(Text::as_str).collect();
    words.sort_unstable();
    words.join(",") + "\n"
}

fn canonical(comparison: Option<&StringMatch>) -> String {
    match comparison.map(StringMatch::comparison) {
        None => String::new(),
        Some(Comparison::Present) => "present".to_owned(),
        Some(Comparison::Exact(text)) => format!("= {:?}", text.as_str()),
        Some(Comparison::Prefix(text)) => format!("^ {:?}", text.as_str()),
        Some(Comparison::Regex(text)) => format!("~ {:?}", text.as_str()),
    }
}

/// True when both paths are prefixes, the first one of the second, and all other conditions are the same.
pub fn covers_by_prefix(earlier: &HttpMatchRequest, later: &HttpMatchRequest) -> bool {
    let prefix =
        |m: &HttpMatchRequest| m.uri.as_ref().and_then(|uri| uri.prefix.as_ref()).map(|p| p.as_str().to_owned());
    let (Some(short), Some(long)) = (prefix(earlier), prefix(later)) else { return false };
    let rest = |m: &HttpMatchRequest| {
        [&m.scheme, &m.method, &m.authority].map(|c| canonical(c.as_ref())).join("\n") + "\n" + &others(m)
    };
    let fold = |m: &HttpMatchRequest| m.ignore_uri_case.as_ref().is_some_and(|b| b.value);
    long.starts_with(&short) && fold(earlier) == fold(later) && rest(earlier) == rest(later)
}

/// True when every request that `later` takes is surely taken by `earlier` too. Where it is not sure (two different
/// regular expressions, say) the answer is false.
pub fn covers(earlier: &HttpMatchRequest, later: &HttpMatchRequest) -> bool {
    let fold = |m: &HttpMatchRequest| m.ignore_uri_case.as_ref().is_some_and(|b| b.value);
    let (early_fold, late_fold) = (fold(earlier), fold(later));
    if late_fold && !early_fold && earlier.uri.is_some() {
        return false;
    }
    let uri = match (&earlier.uri, &later.uri) {
        (None, _) => true,
        (Some(_), None) => path_takes_all(earlier.uri.as_ref()),
        (Some(a), Some(b)) => path_takes_all(Some(a)) || comparison_covers(a, b, early_fold),
    };
    uri && plain_covers(earlier.scheme.as_ref(), later.scheme.as_ref())
        && plain_covers(earlier.method.as_ref(), later.method.as_ref())
        && plain_covers(earlier.authority.as_ref(), later.authority.as_ref())
        && map_covers(&earlier.headers, &later.headers)
        && map_covers(&earlier.query_params, &later.query_params)
        && excluded_covers(&earlier.without_headers, &later.without_headers)
        && (earlier.port.is_none() || earlier.port.as_ref().map(|p| p.value) == later.port.as_ref().map(|p| p.value))
        && earlier.source_labels.pairs().all(|(key, value)| later.source_labels.text(key) == Some(value))
        && namespace_covers(earlier, later)
        && (earlier.gateways.is_empty()
            || (!later.gateways.is_empty()
                && later.gateways.iter().all(|gateway| earlier.gateways.has(gateway.as_str()))))
}

/// Paths begin with `/`, so the prefixes `` and `/` and the expressions `.*` and `/.*` take all.
fn path_takes_all(comparison: Option<&StringMatch>) -> bool {
    match comparison.map(StringMatch::comparison) {
        Some(Comparison::Prefix(text)) => ["", "/"].contains(&text.as_str()),
        Some(Comparison::Regex(text)) => [".*", "/.*", "^.*$", "^/.*$"].contains(&text.as_str()),
        _ => false,
    }
}

fn namespace_covers(earlier: &HttpMatchRequest, later: &HttpMatchRequest) -> bool {
    let of = |m: &HttpMatchRequest| m.source_namespace.as_ref().map_or(String::new(), |ns| ns.as_str().to_owned());
    of(earlier).is_empty() || of(earlier) == of(later)
}

fn plain_covers(earlier: Option<&StringMatch>, later: Option<&StringMatch>) -> bool {
    match (earlier, later) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => comparison_covers(a, b, false),
    }
}

fn map_covers(earlier: &Map<StringMatch>, later: &Map<StringMatch>) -> bool {
    earlier.iter().all(|(name, a)| {
        later.iter().any(|(other, b)| {
            name.as_str().eq_ignore_ascii_case(other.as_str())
                && (a.comparison() == Comparison::Present || comparison_covers(a, b, false))
        })
    })
}

/// What the earlier condition excludes must be excluded by the later one too.
fn excluded_covers(earlier: &Map<StringMatch>, later: &Map<StringMatch>) -> bool {
    earlier.iter().all(|(name, a)| {
        later.iter().any(|(other, b)| name.as_str() == other.as_str() && canonical(Some(a)) == canonical(Some(b)))
    })
}

/// True when every value that `later` takes is surely taken by `earlier`; `fold` without regard to case.
fn comparison_covers(earlier: &StringMatch, later: &StringMatch, fold: bool) -> bool {
    matcher(earlier).covers(&matcher(later), fold)
}

/// The condition as the proxy matches it.
fn matcher(condition: &StringMatch) -> ValueMatcher<'_> {
    match condition.comparison() {
        Comparison::Present => ValueMatcher::Present,
        Comparison::Exact(text) => ValueMatcher::Exact(text.as_str()),
        Comparison::Prefix(text) => ValueMatcher::Prefix(text.as_str()),
        Comparison::Regex(text) => ValueMatcher::Regex(text.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::{Model, Options};

    /// `earlier` and `later` are conditions as YAML flow mappings.
    fn compared(earlier: &str, later: &str, test: fn(&HttpMatchRequest, &HttpMatchRequest) -> bool) -> bool {
        let mut model = Model::new(Options::default());
        let text = format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\nspec:\n  http:\n  - match:\n    - {earlier}\n    - {later}\n"
        );
        model.add_yaml("a", text, None);
        let matches = &model.virtual_services[0].spec.http[0].r#match;
        test(&matches[0], &matches[1])
    }

    #[test]
    fn wide_conditions_cover_narrow_ones() {
        for (earlier, later) in [
            ("{uri: {prefix: /a}}", "{uri: {exact: /a/b}}"),
            ("{uri: {prefix: /}}", "{headers: {x: {exact: y}}}"),
            ("{uri: {regex: '/a/.*'}}", "{uri: {prefix: /a/b}}"),
            ("{uri: {prefix: /a/}}", "{uri: {regex: '/a/[0-9]+'}}"),
            ("{headers: {x: {}}}", "{headers: {x: {exact: y}, z: {exact: w}}}"),
            ("{uri: {prefix: /A}, ignoreUriCase: true}", "{uri: {prefix: /a/b}}"),
            ("{port: 80}", "{port: 80, method: {exact: GET}}"),
            ("{}", "{method: {exact: GET}}"),
        ] {
            assert!(compared(earlier, later, covers), "{earlier} covers {later}");
        }
    }

    #[test]
    fn doubt_is_no_cover() {
        for (earlier, later) in [
            ("{uri: {prefix: /a/b}}", "{uri: {prefix: /a}}"),
            ("{uri: {prefix: /a}, method: {exact: GET}}", "{uri: {prefix: /a/b}}"),
            ("{uri: {regex: '/a/[0-9]*'}}", "{uri: {exact: /a/1}}"),
            ("{uri: {prefix: /ab}}", "{uri: {regex: '/ab?c'}}"),
            ("{uri: {prefix: /a}}", "{uri: {regex: '/a|/b'}}"),
            ("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}, ignoreUriCase: true}"),
            ("{withoutHeaders: {x: {exact: y}}}", "{uri: {prefix: /a}}"),
            ("{gateways: [mesh]}", "{uri: {prefix: /a}}"),
            ("{sourceLabels: {app: web}}", "{sourceLabels: {app: api}}"),
            ("{headers: {x: {exact: y}}}", "{queryParams: {x: {exact: y}}}"),
        ] {
            assert!(!compared(earlier, later, covers), "{earlier} does not cover {later}");
        }
    }

    #[test]
    fn order_and_names_do_not_count_in_equality() {
        let equal = |a: &HttpMatchRequest, b: &HttpMatchRequest| canonical_http(a) == canonical_http(b);
        assert!(compared(
            "{name: one, headers: {a: {exact: b}, c: {prefix: d}}}",
            "{name: two, headers: {c: {prefix: d}, a: {exact: b}}}",
            equal
        ));
        assert!(!compared("{uri: {exact: /a}}", "{uri: {prefix: /a}}", equal));
        assert!(!compared("{headers: {a: {exact: b}}}", "{withoutHeaders: {a: {exact: b}}}", equal));
    }
}
