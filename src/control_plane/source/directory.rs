//! A directory with manifests, watched with everything below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::watch::Watch;
use super::{Content, Guard, Piece, Pieces, Source, SourceError};
use crate::manifests::file;
use crate::manifests::input::{self, Format, InputFile};
use crate::manifests::limits::Limits;

/// Files and directories, in every format that `meshctl analyze` reads.
#[derive(Debug)]
pub struct Directory {
    paths: Vec<PathBuf>,
    limits: Limits,
}

impl Directory {
    /// These files and directories.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, limits: Limits::default() }
    }
}

impl Source for Directory {
    fn start(self: Box<Self>, pieces: Pieces) -> Result<Guard, SourceError> {
        // The watch comes first, so that nothing can change between the first look and it.
        let watch = Watch::new(&self.paths);
        let mut files = Files { limits: self.limits, seen: BTreeMap::new() };
        let first = files.look(&self.paths)?;
        if pieces.send(first).is_err() {
            return Ok(Box::new(()));
        }
        let paths = self.paths;
        let guard = watch.run(move || {
            // A directory that is not there for a moment keeps what it had.
            match files.look(&paths) {
                Ok(changed) if changed.is_empty() => true,
                Ok(changed) => pieces.send(changed).is_ok(),
                Err(error) => {
                    tracing::warn!(target: "meshctl::source", "{error}: {}", error.cause);
                    !pieces.is_closed()
                }
            }
        });
        Ok(guard)
    }
}

/// The files as they were at the last look.
struct Files {
    limits: Limits,
    seen: BTreeMap<PathBuf, Stamp>,
}

/// What tells that a file is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    identity: (u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            identity,
        })
    }
}

impl Files {
    /// What changed since the last look.
    fn look(&mut self, paths: &[PathBuf]) -> Result<Vec<Piece>, SourceError> {
        let found = input::collect(paths, &|_| false);
        if let Some((path, cause)) = found.errors.into_iter().next() {
            return Err(SourceError { name: path.to_string_lossy().into_owned(), cause });
        }
        let mut changed = Vec::new();
        let mut there = BTreeMap::new();
        for file in found.files {
            let stamp = Stamp::of(&file.path);
            if stamp.is_none() || self.seen.get(&file.path) != stamp.as_ref() {
                changed.push(self.read(&file));
            }
            if let Some(stamp) = stamp {
                there.insert(file.path, stamp);
            }
        }
        let gone = self.seen.keys().filter(|path| !there.contains_key(*path));
        changed.extend(gone.map(|path| Piece { name: name(path), content: Content::Gone }));
        self.seen = there;
        Ok(changed)
    }

    fn read(&self, file: &InputFile) -> Piece {
        let content = match file::read_file(&file.path, &self.limits) {
            Ok(text) => {
                let format = file.format.unwrap_or_else(|| Format::of_text(&text));
                Content::Text(text, format)
            }
            Err(error) => Content::Unreadable(error.to_string()),
        };
        Piece { name: name(&file.path), content }
    }
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_tells_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("sub")).unwrap();
        std::fs::write(path("a.yaml"), "a: 1\n").unwrap();
        std::fs::write(path("sub/b.yaml"), "b: 1\n").unwrap();
        let mut files = Files { limits: Limits::default(), seen: BTreeMap::new() };
        let root = [folder.path().to_path_buf()];
        let mut look = || {
            let changed = files.look(&root).unwrap();
            let short = |name: String| name.rsplit('/').next().unwrap().to_owned();
            changed.into_iter().map(|piece| (short(piece.name), piece.content)).collect::<Vec<_>>()
        };
        assert_eq!(look().len(), 2);
        assert_eq!(look(), []);
        std::fs::write(path("sub/b.yaml"), "b: 22\n").unwrap();
        assert_eq!(look(), [("b.yaml".to_owned(), Content::Text("b: 22\n".into(), Format::Yaml))]);
        std::fs::remove_file(path("a.yaml")).unwrap();
        std::fs::write(path("c.yaml"), b"c: \xff\n").unwrap();
        let Content::Unreadable(reason) = look()[0].1.clone() else { panic!("it is not text") };
        assert!(reason.contains("not UTF-8"), "{reason}");
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let mut files = Files { limits: Limits::default(), seen: BTreeMap::new() };
        let error = files.look(&["/none/at/all".into()]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/none/at/all`");
    }
}
