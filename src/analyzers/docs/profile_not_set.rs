//! DOC0008: istioctl installs the profile that the comment above it names.

use super::invocation::{calls, comments_above};
use super::knowledge::releases::ISTIO_PROFILES;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// The command does not install the profile that its comment names
    ///
    /// ## Why
    ///
    /// Without `--set profile=`, istioctl installs the profile `default`, which has other components and settings.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// # Install Istio with the demo profile
    /// istioctl install -y
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// # Install Istio with the demo profile
    /// istioctl install --set profile=demo -y
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the profile, or correct the comment.
    pub PROFILE_NOT_SET = "DOC0008", "ProfileNotSet", Warning
}

/// Reports the command does not install the profile that its comment names.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ProfileNotSet",
    summary: "istioctl installs the profile that the comment above it names",
    codes: &[&PROFILE_NOT_SET],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let sets_profile = call.sets().any(|(path, ..)| path == "profile");
        let reads_file = call.has(&["f", "filename"]);
        if !call.is("istioctl", &["install|apply"]) || sets_profile || reads_file || !call.certain {
            continue;
        }
        let named = comments_above(cx, &call).find_map(|comment| {
            let words: Vec<_> = comment.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            words.windows(2).find(|pair| pair[1] == "profile").map(|pair| pair[0].to_ascii_lowercase())
        });
        if let Some(profile) = named.filter(|profile| ISTIO_PROFILES.contains(&profile.as_str())) {
            let message = format!("The comment says profile {profile}, the command installs profile default.");
            sink.report_at(&PROFILE_NOT_SET, call.file(), call.path_span(1), message)
                .label("no profile is set")
                .help(format!("Add `--set profile={profile}`."));
        }
    }
}
