//! `envoy.config.metrics.v3.StatsConfig`: own tags, which stats are kept, bounds of buckets.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;

use super::Tags;
use super::histogram::BOUNDS;
use crate::matching::StringMatcher;
use crate::proto::Reader;

/// How stats are kept.
#[derive(Debug, Clone)]
pub struct StatsConfig {
    own: Vec<OwnTag>,
    /// Envoy's tags are kept.
    defaults: bool,
    keep: Keep,
    bounds: Vec<(StringMatcher, Arc<[f64]>)>,
    standard: Arc<[f64]>,
}

#[derive(Debug, Clone)]
struct OwnTag {
    name: String,
    value: OwnValue,
}

#[derive(Debug, Clone)]
enum OwnValue {
    /// A tag of Envoy's, by name.
    Default,
    /// All stats have it.
    Fixed(Arc<str>),
    /// The value is the second group, or the first when there is no second; the first is cut out of the name.
    Pattern(Regex),
}

#[derive(Debug, Clone)]
enum Keep {
    All,
    Nothing,
    Except(Vec<StringMatcher>),
    Only(Vec<StringMatcher>),
}

impl Default for StatsConfig {
    fn default() -> Self {
        Self { own: Vec::new(), defaults: true, keep: Keep::All, bounds: Vec::new(), standard: BOUNDS.into() }
    }
}

impl StatsConfig {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Only matters where an own tag has the name of a default one; then the own one counts here.
        reader.ignore(&["allow_default_tag_overrides"]);
        let own: Vec<Option<OwnTag>> = reader.list("stats_tags").iter().map(OwnTag::read).collect();
        let bounds: Vec<Option<_>> = reader.list("histogram_bucket_settings").iter().map(bounds).collect();
        Some(Self {
            own: own.into_iter().collect::<Option<_>>()?,
            defaults: reader.opt_flag("use_all_default_tags").unwrap_or(true),
            keep: Keep::read(reader)?,
            bounds: bounds.into_iter().collect::<Option<_>>()?,
            standard: BOUNDS.into(),
        })
    }

    /// Whether a stat is kept at all.
    pub(super) fn keeps(&self, name: &str) -> bool {
        let any = |matchers: &[StringMatcher]| matchers.iter().any(|matcher| matcher.matches(name));
        match &self.keep {
            Keep::All => true,
            Keep::Nothing => false,
            Keep::Except(matchers) => !any(matchers),
            Keep::Only(matchers) => any(matchers),
        }
    }

    /// Upper bounds of the buckets of a histogram.
    pub(super) fn bounds(&self, name: &str) -> Arc<[f64]> {
        let own = self.bounds.iter().find(|(matcher, _)| matcher.matches(name));
        own.map_or_else(|| self.standard.clone(), |(_, bounds)| bounds.clone())
    }

    /// Name without tags, and the tags, for a stat whose default ones are given.
    pub(super) fn tagged<'n>(&self, name: &'n str, extracted: &'n str, tags: &Tags) -> (Cow<'n, str>, Tags) {
        if self.own.is_empty() && self.defaults {
            return (extracted.into(), tags.clone());
        }
        let defaults = self.defaults || tags.iter().all(|(tag, _)| self.wants(tag));
        let mut rest: Cow<'n, str> = if defaults { extracted.into() } else { name.into() };
        let mut all: Vec<(Cow<'static, str>, Arc<str>)> = Vec::new();
        if defaults {
            all.extend(tags.iter().cloned());
        }
        for own in &self.own {
            if let Some((cut, value)) = own.value(name) {
                if !cut.is_empty() && rest.contains(cut) {
                    rest = rest.replacen(cut, "", 1).into();
                }
                all.retain(|(tag, _)| *tag != own.name);
                all.push((own.name.clone().into(), value));
            }
        }
        (rest, all.into())
    }

    /// Whether a tag of Envoy's is asked for by name.
    fn wants(&self, tag: &str) -> bool {
        let dotted = |name: &str| name.replace('.', "_");
        self.own.iter().any(|own| matches!(own.value, OwnValue::Default) && dotted(&own.name) == tag)
    }
}

/// An expression without lookahead (`(?=\\.)`), which Envoy's stat tags may have and expressions of linear time do not. It
/// stands in Istio's bootstraps only where the rest of the expression asks for the same.
fn without_lookahead(expression: &str) -> Cow<'_, str> {
    let Some(start) = expression.find("(?=") else { return expression.into() };
    let rest = &expression[start..];
    match rest.find(')') {
        Some(end) if !rest[3..end].contains('(') => {
            format!("{}{}", &expression[..start], without_lookahead(&rest[end + 1..])).into()
        }
        _ => expression.into(),
    }
}

impl OwnTag {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.text("tag_name");
        let value = match reader.choice("tag_value").as_deref() {
            Some("fixed_value") => OwnValue::Fixed(reader.text("fixed_value").into()),
            Some("regex") => {
                // Such tags are found at the beginning of an expression that may have no backtracking.
                match regex::RegexBuilder::new(&without_lookahead(&reader.text("regex"))).size_limit(1 << 20).build() {
                    Ok(regex) => OwnValue::Pattern(regex),
                    Err(error) => {
                        reader.defect("regex", format!("is no regular expression: {error}"));
                        return None;
                    }
                }
            }
            _ => OwnValue::Default,
        };
        Some(Self { name, value })
    }

    /// What is cut out of the name, and the value of the tag.
    fn value<'n>(&self, name: &'n str) -> Option<(&'n str, Arc<str>)> {
        match &self.value {
            OwnValue::Default => None,
            OwnValue::Fixed(value) => Some(("", value.clone())),
            OwnValue::Pattern(regex) => {
                let groups = regex.captures(name)?;
                let cut = groups.get(1)?;
                let value = groups.get(2).unwrap_or(cut);
                Some((cut.as_str(), value.as_str().into()))
            }
        }
    }
}

impl Keep {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(matcher) = reader.message("stats_matcher") else { return Some(Self::All) };
        let list = |field: &str| {
            let list = matcher.message(field)?;
            StringMatcher::read_all(&list.list("patterns"))
        };
        match matcher.choice("stats_matcher").as_deref() {
            Some("exclusion_list") => list("exclusion_list").map(Self::Except),
            Some("inclusion_list") => list("inclusion_list").map(Self::Only),
            Some("reject_all") => Some(if matcher.flag("reject_all") { Self::Nothing } else { Self::All }),
            _ => Some(Self::All),
        }
    }
}

fn bounds(reader: &Reader<'_>) -> Option<(StringMatcher, Arc<[f64]>)> {
    // How finely Envoy's own histograms are cut; ours are cut by the buckets.
    reader.ignore(&["bins"]);
    let matcher = StringMatcher::read(&reader.need("match")?)?;
    let mut bounds = reader.floats("buckets");
    if bounds.iter().any(|bound| !bound.is_finite() || *bound <= 0.0) {
        reader.defect("buckets", "bounds must be above 0");
        return None;
    }
    bounds.sort_by(f64::total_cmp);
    Some((matcher, if bounds.is_empty() { BOUNDS.into() } else { bounds.into() }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};
    use crate::telemetry::stats::{Scope, Stats};

    fn stats(config: &Value) -> Stats {
        let message = from_json("envoy.config.metrics.v3.StatsConfig", config).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "stats_config", &defects);
        let config = StatsConfig::read(&reader);
        drop(reader);
        let stats = Stats::default();
        stats.configure(defects.verdict(config).unwrap());
        stats
    }

    #[test]
    fn lists_say_which_stats_are_kept() {
        let kept = |config: &Value| {
            let stats = stats(config);
            let scope = Scope::root(&stats);
            let held = [scope.counter("cluster.a"), scope.counter("server.b")];
            let names: Vec<String> = stats.all().iter().map(|seen| seen.name.to_string()).collect();
            drop(held);
            names
        };
        let list = json!({"patterns": [{"prefix": "cluster."}]});
        assert_eq!(kept(&json!({"stats_matcher": {"inclusion_list": list}})), ["cluster.a"]);
        assert_eq!(kept(&json!({"stats_matcher": {"exclusion_list": list}})), ["server.b"]);
        assert!(kept(&json!({"stats_matcher": {"reject_all": true}})).is_empty());
    }

    #[test]
    fn own_tags_are_cut_out_of_names() {
        let stats = stats(&json!({
            "use_all_default_tags": false,
            "stats_tags": [
                {"tag_name": "cluster_name", "regex": "^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)"},
                {"tag_name": "zone", "fixed_value": "z1"},
            ],
        }));
        let scope = Scope::root(&stats).tagged("cluster", "envoy_cluster_name", "a");
        let held = scope.counter("upstream_rq_total");
        let seen = &stats.all()[0];
        assert_eq!(&*seen.extracted, "cluster.upstream_rq_total");
        let tags: Vec<(&str, &str)> = seen.tags.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(tags, [("cluster_name", "a"), ("zone", "z1")]);
        drop(held);
    }

    #[test]
    fn lookahead_is_left_out() {
        assert_eq!(without_lookahead("^listener(?=\\.).*?\\.http"), "^listener.*?\\.http");
        assert_eq!(without_lookahead("a(?=(b))c"), "a(?=(b))c");
    }

    #[test]
    fn bounds_are_chosen_by_name() {
        let stats = stats(&json!({"histogram_bucket_settings": [
            {"match": {"prefix": "istio"}, "buckets": [5, 1]}]}));
        let scope = Scope::root(&stats);
        assert_eq!(scope.histogram("istio.x").bounds(), [1.0, 5.0]);
        assert_eq!(scope.histogram("other").bounds(), BOUNDS);
    }
}
