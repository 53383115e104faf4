//! Finds meshctl.yaml: in the current folder, else in the nearest folder above it up to the repository's root.

use std::path::{Path, PathBuf};

/// The name of the configuration file.
pub const FILE_NAME: &str = "meshctl.yaml";

/// The nearest configuration file. Outside of a repository only `cwd` itself counts: a file in `/tmp` or in the home
/// folder must not change what a run elsewhere reports.
pub(super) fn find(cwd: &Path) -> Option<PathBuf> {
    let inside_repository = cwd.ancestors().any(is_root);
    for folder in cwd.ancestors() {
        let file = folder.join(FILE_NAME);
        if file.is_file() {
            return Some(file);
        }
        if is_root(folder) || !inside_repository {
            return None;
        }
    }
    None
}

/// Worktrees and submodules have a `.git` file instead of a folder.
fn is_root(folder: &Path) -> bool {
    folder.join(".git").exists()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::find;

    #[test]
    fn looks_up_to_the_root_of_the_repository_and_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("repo");
        let deep = repository.join("k8s/base");
        fs::create_dir_all(&deep).unwrap();
        fs::write(dir.path().join("meshctl.yaml"), "").unwrap();
        assert_eq!(find(&deep), None, "no repository: only the folder itself");
        fs::create_dir(repository.join(".git")).unwrap();
        assert_eq!(find(&deep), None, "the file above the root is somebody else's");
        fs::write(repository.join("meshctl.yaml"), "").unwrap();
        assert_eq!(find(&deep), Some(repository.join("meshctl.yaml")));
    }
}
