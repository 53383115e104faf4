//! One setting: its name in meshctl.yaml, the environment variable that follows from it, and where its value goes.

use std::path::Path;

/// A row of a section's table.
pub(super) struct Key<C: 'static> {
    /// `output-threshold`
    pub name: &'static str,
    pub set: Setter<C>,
}

/// Where a value goes.
pub(super) enum Setter<C: 'static> {
    /// One text; the folder is what relative paths in it are relative to. An error is a sentence for the user.
    One(fn(&mut C, &str, &Path) -> Result<(), String>),
    /// A list of texts. The second function completes an item with the folder, where an item is a path.
    Many(fn(&mut C) -> &mut Vec<String>, fn(&str, &Path) -> String),
}

impl<C> Key<C> {
    /// `MESHCTL_ANALYZE_OUTPUT_THRESHOLD` for `output-threshold` in the section `analyze`.
    pub fn variable(&self, section: &str) -> String {
        format!("MESHCTL_{section}_{}", self.name).replace('-', "_").to_ascii_uppercase()
    }
}
