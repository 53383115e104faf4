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

/// Every `meshctl` line in a console block of the documentation is one that the program accepts.
#[test]
fn documented_commands_exist() {
    let mut wrong = Vec::new();
    for page in pages() {
        for line in console_lines(&fs::read_to_string(&page).unwrap()) {
            for words in commands(&line) {
                if let Err(error) = meshctl::cli::command().try_get_matches_from(&words)
                    && error.exit_code() != 0
                {
                    wrong.push(format!(
                        "{}: {line}\n    {}",
                        page.display(),
                        error.to_string().lines().next().unwrap()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "not accepted:\n  {}", wrong.join("\n  "));
}

/// The lines of ```` ```console ```` blocks.
fn console_lines(text: &str) -> Vec<String> {
    use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
    let mut inside = false;
    let mut code = String::new();
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => inside = &*info == "console",
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => code.push_str(&text),
            _ => {}
        }
    }
    code.lines().map(str::to_owned).collect()
}

/// The words of each `meshctl` in a line of shell, as far as documentation uses shell: quotes, pipes, redirections,
/// comments. Lines that show a synopsis (`[OPTIONS]`) are left out.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => all.last_mut().unwrap().push(std::mem::take(&mut word)),
            (None, '|' | '&' | ';') if word.is_empty() => all.push(Vec::new()),
            (None, '#') if word.is_empty() => break,
            _ => word.push(c),
        }
    }
    let is_command = |words: &Vec<String>| {
        words.first().is_some_and(|w| w == "meshctl") && !words.iter().any(|w| w.starts_with('['))
    };
    let up_to_redirection = |words: Vec<String>| words.into_iter().take_while(|w| !w.starts_with('>')).collect();
    all.into_iter().filter(is_command).map(up_to_redirection).collect()
}
