//! The globs of `exclude`: which files a folder walk skips.

use std::path::{Component, Path, PathBuf};

use regex::RegexSet;

/// Compiled globs. `*` and `?` stay inside one path segment, `**` crosses segments. A glob without `/` matches a file or
/// folder of that name anywhere; one with `/` starts at a folder (the current one, or that of meshctl.yaml). A glob that
/// names a folder covers everything below it.
#[derive(Debug, Default)]
pub struct Exclude {
    globs: RegexSet,
    cwd: PathBuf,
}

impl Exclude {
    /// Compiles globs. `cwd` is what relative globs and relative paths start at.
    pub fn new(globs: &[String], cwd: &Path) -> Result<Self, String> {
        let patterns = globs.iter().map(|glob| pattern(&anchored(glob, cwd)));
        let globs = RegexSet::new(patterns).map_err(|error| format!("exclude: {error}"))?;
        Ok(Self { globs, cwd: cwd.to_owned() })
    }

    /// Whether a path is skipped.
    pub fn matches(&self, path: &Path) -> bool {
        !self.globs.is_empty() && self.globs.is_match(&slashed(&self.cwd.join(path)))
    }
}

/// The glob with the folder that it starts at; one without `/` stays as it is.
pub(super) fn anchored(glob: &str, folder: &Path) -> String {
    let glob = glob.trim_end_matches('/');
    if glob.contains('/') { slashed(&folder.join(glob)) } else { glob.to_owned() }
}

/// A path with `/` between its segments, without `.` and `..`.
fn slashed(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean.to_string_lossy().replace('\\', "/")
}

/// The glob as a regular expression over `/`-separated paths.
fn pattern(glob: &str) -> String {
    let anywhere = !glob.contains('/');
    let mut out = String::from(if anywhere { "^(?:.*/)?" } else { "^" });
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        let (piece, used) = match first {
            '*' if rest.starts_with("**/") => ("(?:.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            other => (regex::escape(&other.to_string()), other.len_utf8()),
        };
        out.push_str(&piece);
        rest = &rest[used..];
    }
    out.push_str("(?:/.*)?$");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        Exclude::new(&[glob.to_owned()], Path::new("/repo")).unwrap().matches(Path::new(path))
    }

    #[test]
    fn globs_follow_path_segments() {
        assert!(matches("testdata/**", "testdata/a/b.yaml"));
        assert!(matches("./testdata/", "testdata/a/b.yaml"));
        assert!(matches("testdata", "k8s/testdata/b.yaml"), "a bare name matches at any depth");
        assert!(matches("*.tpl.yaml", "k8s/a.tpl.yaml"));
        assert!(matches("k8s/*/secret.yaml", "./k8s/prod/secret.yaml"));
        assert!(matches("**/charts/**", "a/b/charts/c.yaml"));
        assert!(!matches("k8s/*/secret.yaml", "k8s/a/b/secret.yaml"));
        assert!(!matches("testdata", "testdata2/a.yaml"));
        assert!(!matches("a.yaml", "axyaml"));
    }

    #[test]
    fn paths_and_globs_meet_wherever_they_start() {
        assert!(matches("k8s/old", "/repo/k8s/old/a.yaml"));
        assert!(matches("/repo/k8s/old", "../repo/k8s/old/a.yaml"));
        assert!(!matches("old/a.yaml", "k8s/old/a.yaml"), "a glob with / starts at its folder");
    }

    #[test]
    fn nothing_is_excluded_by_default() {
        assert!(!Exclude::default().matches(Path::new("a.yaml")));
    }
}
