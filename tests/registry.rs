//! Nothing about an analyzer is forgotten: it is registered, its codes are its own, and each code is explained.

use std::collections::BTreeMap;

use meshctl::analyzers::registry::{ANALYZERS, codes};
use meshctl::analyzers::run;
use meshctl::diagnostics::{Code, suppress};
use meshctl::dialects::model::{Model, Options};
use meshctl::manifests::input::Format;
use meshctl::manifests::markdown;

use crate::support::{none, repository, rust_files};

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

/// Codes whose example does not fit on a page, with the reason.
const NOT_SHOWN_WHOLE: &[(&str, &str)] = &[
    ("IST0161", "needs a certificate with its key"),
    ("IST0170", "needs objects of two clusters"),
    ("K8S0002", "a document over the limits is too long to print"),
];

/// What the analyzers say about the fenced blocks under a heading of a code's page, each taken as a file. What a page
/// leaves out to stay short is in `page.yaml` beside the fixtures: other objects, and a frame for a fragment, which
/// takes the place of the line `{{page}}`.
fn findings_of_example(code: &'static Code, heading: &str) -> Vec<&'static str> {
    let mut rest = rest_of_page(code);
    let mut model = Model::new(Options::default());
    for block in markdown::code_blocks(&code.section(heading)) {
        let format = match block.language.as_str() {
            "sh" | "bash" => Format::Shell,
            "md" | "markdown" => Format::Markdown,
            _ => Format::Yaml,
        };
        let frame = rest.lines().find(|line| line.trim() == "{{page}}").map(str::to_owned);
        match frame.filter(|_| format == Format::Yaml) {
            Some(frame) => {
                let indented =
                    block.content.text().trim_end().replace('\n', &format!("\n{}", frame.replace("{{page}}", "")));
                rest = rest.replace("{{page}}", &indented);
            }
            None => _ = model.add("example", block.content.text().to_owned(), format),
        }
    }
    model.add("rest", rest, Format::Yaml);
    let analyzers: Vec<_> = ANALYZERS.iter().copied().filter(|a| a.default || a.codes.contains(&code)).collect();
    let found = run::run(&model, &analyzers).findings;
    let found = suppress::apply(&model, &[], &analyzers, found).findings;
    found.iter().map(|finding| finding.code.code).collect()
}

fn rest_of_page(code: &Code) -> String {
    let mut folders = std::fs::read_dir(repository("tests/analyzers")).unwrap().map(|entry| entry.unwrap().path());
    let start = format!("{}_", code.code);
    let folder = folders.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start));
    folder.and_then(|folder| std::fs::read_to_string(folder.join("page.yaml")).ok()).unwrap_or_default()
}

#[test]
fn examples_of_the_pages_are_true() {
    let is_shown = |code: &&Code| !NOT_SHOWN_WHOLE.iter().any(|(not_shown, _)| *not_shown == code.code);
    let wrong = codes().into_iter().filter(|code| is_shown(code)).filter_map(|code| {
        let (bad, good) = (findings_of_example(code, "Bad"), findings_of_example(code, "Good"));
        let mut faults = Vec::new();
        if !bad.contains(&code.code) {
            faults.push(format!("Bad does not give it, only {bad:?}"));
        }
        if good.contains(&code.code) {
            faults.push(format!("Good gives {good:?}"));
        }
        (!faults.is_empty()).then(|| format!("{} ({}): {}", code.code, code.file, faults.join("; ")))
    });
    none("the Bad example of a code gives that code, the Good one does not", wrong);
}
