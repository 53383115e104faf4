//! The globs of `exclude`: which files a folder walk skips.

use std::path::Path;

use regex::RegexSet;

/// Compiled globs. `*` and `?` stay inside one path segment, `**` crosses segments. A glob without `/` matches a file or
/// folder of that name anywhere; a glob that names a folder covers everything below it.
#[derive(Debug, Default)]
pub struct Exclude(RegexSet);

impl Exclude {
    /// Compiles globs; the error names the glob that is not one.
    pub fn new(globs: &[String]) -> Result<Self, String> {
        let patterns: Vec<String> = globs.iter().map(|glob| pattern(glob)).collect();
        let set = RegexSet::new(patterns).map_err(|error| format!("exclude: {error}"))?;
        Ok(Self(set))
    }

    /// Whether a path (relative to the folder that is walked or to the current one) is skipped.
    pub fn matches(&self, path: &Path) -> bool {
        let path = path.to_string_lossy().replace('\\', "/");
        self.0.is_match(path.trim_start_matches("./"))
    }
}

/// The glob as a regular expression over `/`-separated paths.
fn pattern(glob: &str) -> String {
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
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
        Exclude::new(&[glob.to_owned()]).unwrap().matches(Path::new(path))
    }

    #[test]
    fn globs_follow_path_segments() {
        assert!(matches("testdata/**", "testdata/a/b.yaml"));
        assert!(matches("testdata", "k8s/testdata/b.yaml"), "a bare name matches at any depth");
        assert!(matches("*.tpl.yaml", "k8s/a.tpl.yaml"));
        assert!(matches("k8s/*/secret.yaml", "./k8s/prod/secret.yaml"));
        assert!(matches("**/charts/**", "a/b/charts/c.yaml"));
        assert!(!matches("k8s/*/secret.yaml", "k8s/a/b/secret.yaml"));
        assert!(!matches("testdata", "testdata2/a.yaml"));
        assert!(!matches("a.yaml", "axyaml"));
    }

    #[test]
    fn nothing_is_excluded_by_default() {
        assert!(!Exclude::default().matches(Path::new("a.yaml")));
    }
}
