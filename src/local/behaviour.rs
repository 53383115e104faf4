//! What an application does beside echoing: whom it calls, and how it fails. Annotations of the pod template say it; for the
//! four applications of bookinfo it is known.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dialects::model::Model;
use crate::ir::Key;

/// Whom the application calls for each request: `reviews:9080/reviews/0, details:9080`.
const CALLS: &str = "meshctl.io/calls";
/// The share of requests that it fails, in percent.
const FAILS: &str = "meshctl.io/fails";
/// How long it takes: `250ms`, `2s`.
const DELAY: &str = "meshctl.io/delay";

/// What an application does beside echoing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// What it calls, one after the other.
    pub calls: Vec<String>,
    /// The share of requests that it answers with 503, in percent.
    pub fails: u32,
    /// How long it waits before it answers.
    pub delay: Duration,
}

/// The behaviours that a model's workloads have by their annotations.
pub fn of_model(model: &Model) -> BTreeMap<Key, Behaviour> {
    let templates = [&model.deployments, &model.stateful_sets, &model.daemon_sets, &model.replica_sets, &model.jobs];
    let mut all = BTreeMap::new();
    for object in templates.into_iter().flatten() {
        let template = object.spec.spec.as_ref().and_then(|spec| spec.template.as_ref());
        let annotations =
            template.and_then(|template| template.metadata.as_ref()).map(|metadata| &metadata.annotations);
        let text = |name: &str| annotations.and_then(|annotations| annotations.text(name));
        insert(&mut all, Key::new(&*object.meta.namespace, object.meta.name()), text);
    }
    for pod in &model.pods {
        let text = |name: &str| pod.meta.annotations.text(name);
        insert(&mut all, Key::new(&*pod.meta.namespace, pod.meta.name()), text);
    }
    all
}

fn insert<'t>(all: &mut BTreeMap<Key, Behaviour>, key: Key, text: impl Fn(&str) -> Option<&'t str>) {
    if [CALLS, FAILS, DELAY].into_iter().all(|name| text(name).is_none()) {
        return;
    }
    let calls = text(CALLS).unwrap_or_default().split(',').map(str::trim).filter(|url| !url.is_empty());
    let fails = text(FAILS).and_then(|share| share.trim_end_matches('%').parse().ok()).unwrap_or_default();
    let behaviour = Behaviour {
        calls: calls.map(ToOwned::to_owned).collect(),
        fails,
        delay: text(DELAY).and_then(duration).unwrap_or_default(),
    };
    all.entry(key).or_insert(behaviour);
}

/// What the applications of bookinfo do, by the labels `app` and `version`.
pub fn of_bookinfo(app: &str, version: &str) -> Behaviour {
    let calls: &[&str] = match (app, version) {
        ("productpage", _) => &["http://details:9080/details/0", "http://reviews:9080/reviews/0"],
        ("reviews", "v2" | "v3") => &["http://ratings:9080/ratings/0"],
        _ => &[],
    };
    Behaviour { calls: calls.iter().map(|url| (*url).to_owned()).collect(), ..Behaviour::default() }
}

/// `250ms`, `2s`, `1.5s`; at most a minute.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * scale;
    Duration::try_from_secs_f64(seconds.min(60.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Options;

    #[test]
    fn annotations_say_what_an_application_does() {
        let mut model = Model::new(Options::default());
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      \
                    labels: {app: web}\n      annotations:\n        meshctl.io/calls: 'a:80/x, b:81'\n        \
                    meshctl.io/fails: 50%\n        meshctl.io/delay: 250ms\n";
        model.add_yaml("a.yaml", text.to_owned(), None);
        let all = of_model(&model);
        let wanted = Behaviour {
            calls: vec!["a:80/x".to_owned(), "b:81".to_owned()],
            fails: 50,
            delay: Duration::from_millis(250),
        };
        assert_eq!(all[&Key::new("default", "web")], wanted);
    }

    #[test]
    fn durations_need_a_unit_and_end() {
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("1000s"), Some(Duration::from_secs(60)));
        assert!(duration("5").is_none() && duration("-1s").is_none() && duration("5h").is_none());
    }
}
