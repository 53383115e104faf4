//! DOC0017: manifests from git repositories are pinned to a tag or commit.

use super::invocation::calls;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// Manifests are applied from a branch
    ///
    /// ## Why
    ///
    /// What is applied is what the branch holds on that day. Two clusters installed on two days differ, and whoever may
    /// write to the branch may write to the cluster.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// kubectl apply -k "https://github.com/aws/eks-charts/stable/appmesh-controller/crds?ref=master"
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl apply -k "https://github.com/aws/eks-charts/stable/appmesh-controller/crds?ref=v0.0.200"
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a tag or a commit.
    pub UNPINNED_REF = "DOC0017", "UnpinnedRef", Warning
}

/// Reports manifests are applied from a branch.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.UnpinnedRef",
    summary: "Manifests from git repositories are pinned to a tag or commit",
    codes: &[&UNPINNED_REF],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx).filter(|call| matches!(call.program, "kubectl" | "oc" | "istioctl")) {
        for flag in call.flags(&["f", "filename", "k", "kustomize"]) {
            let Some(branch) = flag.value.and_then(branch) else { continue };
            let message = format!("What is applied is whatever {branch} holds that day.");
            sink.report_at(&UNPINNED_REF, call.file(), flag.word.span, message)
                .label("not pinned")
                .help("Name a tag or a commit.");
        }
    }
}

/// The branch that an address follows, as a phrase.
fn branch(address: &str) -> Option<String> {
    let follows = |name: &str| matches!(name, "master" | "main" | "HEAD").then(|| format!("the branch {name}"));
    if let Some((_, path)) = address.split_once("raw.githubusercontent.com/") {
        let mut parts = path.split('/').skip(2).filter(|part| !matches!(*part, "refs" | "heads"));
        return follows(parts.next()?);
    }
    let (_, path) = address.split_once("github.com/")?;
    match path.split_once("ref=") {
        Some((_, name)) => follows(name.split('&').next()?),
        // A file of a release is pinned by its path; a repository without a ref is not.
        None if path.contains("/releases/download/") || path.contains('$') => None,
        None if path.contains("/releases/latest/") => Some("the latest release".to_owned()),
        None if path.rsplit('.').next().is_some_and(|end| matches!(end, "yaml" | "yml")) => None,
        None => Some("the default branch".to_owned()),
    }
}
