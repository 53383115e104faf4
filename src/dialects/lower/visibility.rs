//! Lists of namespaces as `exportTo` has them.

use crate::ir::Visibility;

/// Who sees an object of a namespace: `*` everybody, `.` its own namespace, `~` nobody. `defaults` hold for an empty list,
/// and an empty default means everybody.
pub fn visibility<'w>(words: impl IntoIterator<Item = &'w str>, namespace: &str, defaults: &[String]) -> Visibility {
    let mut words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        words = defaults.iter().map(String::as_str).collect();
    }
    if words.is_empty() || words.contains(&"*") {
        return Visibility::Everywhere;
    }
    let own = |word: &str| if word == "." { namespace.into() } else { word.into() };
    Visibility::In(words.into_iter().filter(|word| *word != "~").map(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_namespaces() {
        let of = |words: &[&'static str]| visibility(words.iter().copied(), "own", &[".".to_owned()]);
        assert!(of(&["*"]).includes("other") && !of(&[]).includes("other") && of(&[]).includes("own"));
        assert!(!of(&["~"]).includes("own") && of(&["a", "."]).includes("own") && !of(&["a"]).includes("own"));
    }
}
