//! Nothing about an analyzer is forgotten: it is registered, its codes are its own, and each code is explained.

use std::collections::BTreeMap;

use meshctl::analyzers::registry::{ANALYZERS, codes};

use crate::support::{none, rust_files};

#[test]
fn every_analyzer_is_registered() {
    let files = rust_files("src/analyzers");
    let registry = &files.iter().find(|(name, _)| name.ends_with("/registry.rs")).unwrap().1;
    let declares = |text: &str| text.lines().any(|line| line.starts_with("pub static ANALYZER:"));
    let forgotten = files.iter().filter(|(_, text)| declares(text)).filter_map(|(name, _)| {
        let path =
            name.strip_prefix("src/analyzers/")?.strip_suffix(".rs")?.trim_end_matches("/mod").replace('/', "::");
        let is_listed = registry.lines().any(|line| line.trim().trim_end_matches(';') == path);
        (!is_listed).then(|| name.clone())
    });
    none("no line in src/analyzers/registry.rs for", forgotten);
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeMap::<_, usize>::new();
    for analyzer in ANALYZERS {
        *seen.entry(analyzer.name.to_ascii_lowercase()).or_default() += 1;
    }
    none("two analyzers have the name", seen.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name));
}

/// Several analyzers may report one code, but it is declared in one place.
#[test]
fn codes_are_declared_once() {
    let mut declared = BTreeMap::<_, std::collections::BTreeSet<_>>::new();
    for code in ANALYZERS.iter().flat_map(|a| a.codes) {
        declared.entry(code.code).or_default().insert(format!("{} in {}", code.name, code.file));
    }
    let twice =
        declared.into_iter().filter(|(_, places)| places.len() > 1).map(|(code, places)| format!("{code}: {places:?}"));
    none("declared in more than one place", twice);
}

#[test]
fn every_code_is_explained() {
    const SECTIONS: [&str; 4] = ["## Why", "## Bad", "## Good", "## Fix"];
    let incomplete = codes().into_iter().filter_map(|code| {
        let headings: Vec<&str> = code.doc.lines().map(str::trim).filter(|l| l.starts_with("## ")).collect();
        let complete = headings == SECTIONS && !code.title().is_empty();
        (!complete).then(|| format!("{} ({}): has {headings:?}", code.code, code.file))
    });
    none("the doc comment of a code is a title and the sections Why, Bad, Good, Fix", incomplete);
}
