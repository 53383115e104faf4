//! The list of paths, for terminals and for browsers.

use std::fmt::Write as _;

use super::Page;
use super::router::PATHS;

/// All paths with what they do, after a first line.
pub(super) fn help(first: &str) -> String {
    let mut out = first.to_string();
    for path in PATHS {
        let post = if path.changes { " (POST)" } else { "" };
        let _ = writeln!(out, "  {}{post}: {}", path.target, path.help);
        for (name, what) in path.parameters {
            let _ = writeln!(out, "      {name}: {what}");
        }
    }
    out
}

/// The page for browsers: links to what reads, buttons for what changes.
pub(super) fn home() -> Page {
    let mut rows = String::new();
    for path in PATHS.iter().filter(|path| path.target != "/") {
        let name = path.target.trim_start_matches('/');
        let action = if path.changes {
            format!("<form action=\"{name}\" method=\"post\"><button>{name}</button></form>")
        } else {
            format!("<a href=\"{name}\">{name}</a>")
        };
        let _ = writeln!(rows, "<tr><td>{action}</td><td>{}</td></tr>", path.help);
    }
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Envoy Admin</title></head>\n\
         <body><h1>Proxy</h1>\n<table>\n{rows}</table></body></html>\n"
    );
    Page { status: 200, content_type: "text/html; charset=UTF-8", body }
}
