//! Puts the layers of a run on top of each other.

use std::path::{Path, PathBuf};

use super::analyze::{AnalyzeConfig, KEYS};
use super::key::Setter;
use super::problem::{Place, Problem};
use super::{discover, file};

/// Where the lower layers come from.
pub struct Lower<'a> {
    /// The file that `--config` or MESHCTL_CONFIG names.
    pub named: Option<&'a Path>,
    /// False with `--no-config`.
    pub files: bool,
    /// The folder where the search for meshctl.yaml starts.
    pub cwd: &'a Path,
    /// Environment variables by name.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// The settings of one run: `flags`, below them the environment, below that the configuration file.
pub fn load(flags: AnalyzeConfig, lower: &Lower<'_>) -> Result<AnalyzeConfig, Problem> {
    let from_env = from_environment(lower.variable)?;
    let from_file = match config_file(lower) {
        Some((path, shown)) => file::read(&path, &shown)?,
        None => AnalyzeConfig::default(),
    };
    Ok(flags.over(from_env).over(from_file))
}

/// The file to read and the name that messages use for it: relative to `cwd` where that is shorter.
fn config_file(lower: &Lower<'_>) -> Option<(PathBuf, String)> {
    if !lower.files {
        return None;
    }
    if let Some(named) = lower.named {
        return Some((lower.cwd.join(named), named.display().to_string()));
    }
    let path = discover::find(lower.cwd)?;
    let shown = path.strip_prefix(lower.cwd).unwrap_or(&path).display().to_string();
    Some((path, shown))
}

/// Reads one variable for each setting; lists are separated by commas. A variable that is set to nothing counts as not
/// set, so that a pipeline can clear it.
fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<AnalyzeConfig, Problem> {
    let mut config = AnalyzeConfig::default();
    for key in KEYS {
        let name = key.variable("analyze");
        let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
        match &key.set {
            Setter::One(set) => set(&mut config, &text, Path::new("")).map_err(|reason| Problem::Value {
                at: Place::Variable(name),
                key: key.name,
                reason,
            })?,
            Setter::Many(list, complete) => {
                list(&mut config).extend(
                    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| complete(t, Path::new(""))),
                );
            }
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::diagnostics::render::Format;

    fn load_in(
        dir: &Path,
        variables: &[(&str, &str)],
        files: bool,
        flags: AnalyzeConfig,
    ) -> Result<AnalyzeConfig, String> {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        load(flags, &Lower { named: None, files, cwd: dir, variable: &variable }).map_err(|e| e.to_string())
    }

    #[test]
    fn flags_over_environment_over_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("meshctl.yaml"),
            "analyze:\n  output: json\n  namespace: file\n  baseline: b.json\n  suppress: [A=x]\n",
        )
        .unwrap();
        let variables = [("MESHCTL_ANALYZE_NAMESPACE", "env"), ("MESHCTL_ANALYZE_SUPPRESS", "B=y, C=z")];
        let flags = AnalyzeConfig { output: Some(Format::Junit), ..AnalyzeConfig::default() };
        let config = load_in(dir.path(), &variables, true, flags.clone()).unwrap();
        assert_eq!(config.output, Some(Format::Junit));
        assert_eq!(config.namespace.as_deref(), Some("env"));
        assert_eq!(config.baseline, Some(dir.path().join("b.json")));
        assert_eq!(config.suppress, ["B=y", "C=z", "A=x"]);

        let config = load_in(dir.path(), &[], false, flags.clone()).unwrap();
        assert_eq!(config, flags, "--no-config leaves the flags alone");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = load_in(dir.path(), &[("MESHCTL_ANALYZE_OUTPUT", "xml")], true, AnalyzeConfig::default());
        assert!(error.unwrap_err().starts_with("environment variable MESHCTL_ANALYZE_OUTPUT: `output`: \"xml\""));
    }

    #[test]
    fn a_named_file_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let lower = Lower { named: Some(Path::new("x.yaml")), files: true, cwd: dir.path(), variable: &|_| None };
        let error = load(AnalyzeConfig::default(), &lower).unwrap_err();
        assert!(matches!(error, Problem::Unreadable { .. }), "{error}");
    }
}
