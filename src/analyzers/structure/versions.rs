//! K8S0107 and K8S0108: API versions and kinds that no server has, and documents without kind, version or name.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Diagnostic, Resource, Sink};
use crate::dialects::kinds::{KINDS, Kind};
use crate::dialects::model::Untyped;
use crate::dialects::object::Meta;
use crate::manifests::source::{Span, to_u32};
use crate::near::nearest;

declare_code! {
    /// An API version that is not served for this kind
    ///
    /// ## Why
    ///
    /// The API server knows each kind under certain groups and versions only. With another one it answers "no matches for
    /// kind" and applies nothing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: extensions/v1beta1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the version that the help names; check that the fields did not change with it.
    pub NOT_SERVED = "K8S0107", "VersionNotServed", Error
}

declare_code! {
    /// A manifest without kind, version or name
    ///
    /// ## Why
    ///
    /// The document has `metadata` as a Kubernetes object, but lacks what the API server needs to take it.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   labels:
    ///     app: web
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    ///   labels:
    ///     app: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the missing line.
    pub INCOMPLETE = "K8S0108", "IncompleteManifest", Error
}

/// Checks `apiVersion`, `kind` and the presence of a name.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Versions",
    summary: "API versions are served, and manifests have kind, version and name",
    codes: &[&NOT_SERVED, &INCOMPLETE],
    run,
    default: true,
};

/// API groups whose kinds are all known, so that a kind that is not in them does not exist.
const CLOSED_GROUPS: &[&str] = &["", "apps", "batch", "extensions"];

/// Kinds of files that have `metadata` and yet are not sent to an API server under a name.
const NAMELESS: &[&str] = &["IstioOperator"];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for meta in cx.metas() {
        if meta.version.is_empty() {
            missing_version(cx, meta, sink);
        } else {
            check_version(cx, meta, sink);
        }
        if meta.name.value.is_empty() && !NAMELESS.contains(&meta.kind) {
            sink.report(&INCOMPLETE, meta, head(cx, meta), format!("This {} has no name.", meta.kind))
                .label("`metadata.name` is missing")
                .help("Add `metadata.name` (or `generateName`, with `kubectl create`).");
        }
    }
    for document in &cx.model().untyped {
        check_untyped(document, sink);
    }
}

/// The first line of a document: its whole span would hide the point.
fn head(cx: &Context<'_>, meta: &Meta) -> Span {
    first_line(cx.model().text(meta, meta.place.span()), meta.place.span())
}

fn first_line(text: &str, span: Span) -> Span {
    let len = text.find(['\n', '\r']).unwrap_or(text.len());
    Span::new(span.start, span.start + to_u32(len))
}

/// A kind of the core group is recognised without a version too.
fn missing_version(cx: &Context<'_>, meta: &Meta, sink: &mut Sink) {
    sink.report(&INCOMPLETE, meta, head(cx, meta), format!("This {} has no `apiVersion`.", meta.kind))
        .label("`apiVersion` is missing")
        .help("Add `apiVersion: v1`.");
}

fn check_version(cx: &Context<'_>, meta: &Meta, sink: &mut Sink) {
    let Some(kind) = kind_of(meta).filter(|_| is_unserved(meta)) else { return };
    let best = nearest(&meta.version, kind.versions.iter().copied()).or(kind.versions.first().copied());
    let written = api_version(meta.group, &meta.version);
    let good = api_version(meta.group, best.unwrap_or_default());
    let span = version_span(cx, meta, &written);
    sink.report(&NOT_SERVED, meta, span, format!("No server has {} in `{written}`.", meta.kind))
        .label(format!("`{written}` is not served"))
        .help(format!("Write `apiVersion: {good}`."));
}

fn kind_of(meta: &Meta) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == meta.group && kind.kind == meta.kind)
}

/// True for a version of a known kind that no server has.
pub(super) fn is_unserved(meta: &Meta) -> bool {
    let unknown = |kind: &Kind| !kind.versions.contains(&&*meta.version);
    !meta.version.is_empty() && !is_placeholder(&meta.version) && kind_of(meta).is_some_and(unknown)
}

/// Where the document says its version; its name when that is written in an unusual way.
fn version_span(cx: &Context<'_>, meta: &Meta, written: &str) -> Span {
    let document = meta.place.span();
    let text = cx.model().text(meta, document);
    let found = text.match_indices("apiVersion").find_map(|(at, key)| {
        let line = text[at..].lines().next()?;
        Some(at + key.len() + line[key.len()..].find(written)?)
    });
    found.map_or_else(
        || meta.name_span(),
        |at| {
            let start = document.start + to_u32(at);
            Span::new(start, start + to_u32(written.len()))
        },
    )
}

fn check_untyped(document: &Untyped, sink: &mut Sink) {
    let (version, kind) = (document.api_version.as_str(), document.kind.as_str());
    if document.metadata.is_none() || is_placeholder(version) || is_placeholder(kind) {
        return;
    }
    match (version.is_empty(), kind.is_empty()) {
        (true, true) => {}
        (true, false) => {
            let help = match KINDS.iter().find(|known| known.kind == kind) {
                Some(known) => format!("Add `apiVersion: {}`.", served(known)),
                None => "Add `apiVersion`.".to_owned(),
            };
            let finding = sink.report_at(
                &INCOMPLETE,
                document.file,
                document.kind.span(),
                format!("This {kind} has no `apiVersion`."),
            );
            named(finding, document).label("`apiVersion` is missing").help(help);
        }
        (false, true) => {
            let span = document.api_version.span();
            let message = "This manifest has no `kind`.";
            let finding = sink.report_at(&INCOMPLETE, document.file, span, message);
            named(finding, document).label("`kind` is missing").help("Add `kind`.");
        }
        (false, false) => check_group(document, version, kind, sink),
    }
}

/// The same kind in another group, or a misspelt kind or group.
fn check_group(document: &Untyped, version: &str, kind: &str, sink: &mut Sink) {
    let (group, number) = version.rsplit_once('/').unwrap_or(("", version));
    let groups: Vec<&Kind> = KINDS.iter().filter(|known| known.kind == kind).collect();
    let meant = if CLOSED_GROUPS.contains(&group) {
        groups.first().copied()
    } else {
        let near = nearest(group, groups.iter().map(|known| known.group));
        near.and_then(|near| groups.iter().copied().find(|known| known.group == near))
    };
    if let Some(meant) = meant {
        let finding = sink.report_at(
            &NOT_SERVED,
            document.file,
            document.api_version.span(),
            format!("No server has {kind} in `{version}`."),
        );
        named(finding, document).label("not served").help(format!("Write `apiVersion: {}`.", served(meant)));
        return;
    }
    let in_group = || KINDS.iter().filter(|known| known.group == group && known.versions.contains(&number));
    let Some(near) = nearest(kind, in_group().map(|known| known.kind)) else { return };
    if is_misspelt(kind, near) {
        let message = format!("`{version}` has no kind `{kind}`.");
        let finding = sink.report_at(&NOT_SERVED, document.file, document.kind.span(), message);
        named(finding, document)
            .label(format!("perhaps `{near}`"))
            .help(format!("Write `kind: {near}`."))
            .replace(document.kind.span(), near);
    }
}

/// Another case, or a plural: other near words may be kinds of their own (`Node`, `Mode`).
fn is_misspelt(kind: &str, near: &str) -> bool {
    let (kind, near) = (kind.to_ascii_lowercase(), near.to_ascii_lowercase());
    kind == near || kind.strip_suffix('s') == Some(&near) || near.strip_suffix('s') == Some(&kind)
}

fn named<'d>(finding: &'d mut Diagnostic, document: &Untyped) -> &'d mut Diagnostic {
    finding.resource = Some(Resource {
        kind: document.kind.as_str().to_owned(),
        namespace: String::new(),
        name: document.name.as_str().to_owned(),
        cluster: None,
    });
    finding
}

fn served(kind: &Kind) -> String {
    api_version(kind.group, kind.versions.first().copied().unwrap_or_default())
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Text that a template or a script fills in later.
pub(super) fn is_placeholder(text: &str) -> bool {
    text.contains(['{', '$', '<', '%'])
}
