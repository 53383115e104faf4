//! Field masks of dumps: `name,version_info,cluster.name`.

use serde_json::{Map, Value};

/// Paths of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask(Vec<Vec<String>>);

impl Mask {
    /// Reads paths joined by commas; names in camelCase count as those of the `.proto` file.
    pub(super) fn parse(text: &str) -> Self {
        let path = |path: &str| path.split('.').map(snake).collect();
        Self(text.split(',').filter(|path| !path.is_empty()).map(path).collect())
    }

    /// The parts of a message that the mask names; none when it has none of them. The type stays.
    pub(super) fn apply(&self, message: &Value) -> Option<Value> {
        let paths: Vec<&[String]> = self.0.iter().map(Vec::as_slice).collect();
        let kept = keep(message, &paths)?;
        let fields = kept.as_object().is_some_and(|fields| fields.keys().any(|field| field != "@type"));
        fields.then_some(kept)
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// None: a path goes on inside of a list, which masks cannot do.
fn keep(value: &Value, paths: &[&[String]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Value::Array(_) => None,
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let rest: Vec<&[String]> =
                    paths.iter().filter(|path| path[0] == *name).map(|path| &path[1..]).collect();
                if name == "@type" {
                    kept.insert(name.clone(), value.clone());
                } else if !rest.is_empty() {
                    kept.insert(name.clone(), keep(value, &rest)?);
                }
            }
            Some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_named_fields_and_the_type_stay() {
        let dump = json!({"@type": "D", "cluster": {"@type": "C", "name": "c", "type": "EDS"}, "last_updated": "x"});
        let kept = Mask::parse("cluster.name").apply(&dump).unwrap();
        assert_eq!(kept, json!({"@type": "D", "cluster": {"@type": "C", "name": "c"}}));
        assert_eq!(Mask::parse("lastUpdated").apply(&dump).unwrap(), json!({"@type": "D", "last_updated": "x"}));
        assert_eq!(Mask::parse("nope.x").apply(&dump), None);
        let lists = json!({"@type": "D", "hosts": [{"name": "a"}]});
        assert_eq!(Mask::parse("hosts").apply(&lists), Some(lists.clone()));
        assert_eq!(Mask::parse("hosts.name").apply(&lists), None, "paths end at lists");
    }
}
