//! What is wrong with a configuration: the path of a field and a sentence, collected while reading goes on.

use std::cell::RefCell;
use std::fmt;

/// One thing that the proxy cannot take: where it stands and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Defect {
    /// Path of the field as protobuf names it: `static_resources.clusters[0].lb_policy`. Empty for the whole message.
    pub path: String,
    /// One sentence that says why, without a full stop.
    pub message: String,
}

impl Defect {
    /// From the errors of [`super::from_json`], which begin with a path (`.` for the whole message).
    pub fn at_path(error: &str) -> Self {
        let (path, message) = error.split_once(": ").unwrap_or(("", error));
        let path = if path == "." { "" } else { path };
        Self { path: path.to_string(), message: message.to_string() }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// Defects found so far. Shared by all readers of one resource, so that one reading reports everything.
#[derive(Debug, Default)]
pub struct Defects(RefCell<Vec<Defect>>);

impl Defects {
    /// No defects yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one.
    pub fn push(&self, path: impl Into<String>, message: impl Into<String>) {
        self.0.borrow_mut().push(Defect { path: path.into(), message: message.into() });
    }

    /// True as long as nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// All of them, in the order of their paths, each once.
    pub fn into_sorted(self) -> Vec<Defect> {
        let mut all = self.0.into_inner();
        all.sort();
        all.dedup();
        all
    }

    /// `value` when reading found nothing wrong, otherwise what it found. A missing value without a defect is a defect.
    pub fn verdict<T>(self, value: Option<T>) -> Result<T, Vec<Defect>> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            None if self.is_empty() => {
                Err(vec![Defect { path: String::new(), message: "the message holds no usable configuration".into() }])
            }
            _ => Err(self.into_sorted()),
        }
    }
}
