//! The documentation hangs together: links lead somewhere, and the book has every page.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// All Markdown files that people read: those at the top and those in docs/.
fn pages() -> Vec<PathBuf> {
    let top = fs::read_dir(repository("")).unwrap().map(|entry| entry.unwrap().path());
    let book = walkdir::WalkDir::new(repository("docs")).into_iter().map(|entry| entry.unwrap().into_path());
    let built = repository("docs/book");
    let mut pages: Vec<_> = top
        .chain(book)
        .filter(|path| path.extension().is_some_and(|e| e == "md") && !path.starts_with(&built))
        .collect();
    pages.sort();
    pages
}

/// The targets of inline links outside of code, without those on the web.
fn links(text: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Parser, Tag};
    Parser::new(text)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        })
        .filter(|link| !link.contains("://") && !link.starts_with('#') && !link.starts_with("mailto:"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            let file = link.split('#').next().unwrap_or_default();
            if !page.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n  {}", broken.join("\n  "));
}

#[test]
fn the_book_has_every_page() {
    let summary = repository("docs/SUMMARY.md");
    let listed: Vec<_> =
        links(&fs::read_to_string(&summary).unwrap()).iter().map(|l| repository("docs").join(l)).collect();
    let is_missing =
        |page: &Path| page.starts_with(repository("docs")) && page != summary && !listed.iter().any(|l| l == page);
    let missing: Vec<_> = pages().into_iter().filter(|page| is_missing(page)).collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}
