//! Files of the repository, and checked-in files that tests keep fresh.

use std::fs;
use std::path::{Path, PathBuf};

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every Rust file below a folder of the repository, sorted, as (path from the root with `/`, text).
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = repository("");
    let mut files: Vec<_> = walkdir::WalkDir::new(root.join(folder))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Fails with everybody who breaks the rule, not only the first.
pub fn none(rule: &str, offenders: impl IntoIterator<Item = String>) {
    let offenders: Vec<_> = offenders.into_iter().collect();
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

/// Fails unless the checked-in file has this content; with UPDATE=1 (`make generate`) writes it instead.
pub fn same_or_update(path: &str, content: &str) {
    let file = repository(path);
    let old = fs::read_to_string(&file).unwrap_or_default();
    if old == content {
        return;
    }
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(old.as_str(), content);
    panic!("{path} is out of date, run `make generate`:\n{}", diff.unified_diff().header("checked in", "generated"));
}
