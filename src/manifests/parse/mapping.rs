//! The entries of a mapping while it is read: duplicates, and merges with `<<`.

use std::collections::HashMap;

use crate::manifests::source::Span;
use crate::manifests::tree::{Entry, Node, Value};

/// The entries of a mapping that is being read.
#[derive(Default)]
pub(super) struct Entries {
    /// In source order; a key written twice keeps its first place.
    pub(super) list: Vec<Entry>,
    /// Which entries came from a merge and may be written over without a word.
    merged: Vec<bool>,
    /// Positions by key, once the mapping is too long to scan.
    index: HashMap<Box<str>, usize>,
}

impl Entries {
    /// Mappings are short: up to here a scan is faster than a hash.
    const SCANNED: usize = 32;

    fn find(&self, key: &str) -> Option<usize> {
        if self.list.len() <= Self::SCANNED {
            return self.list.iter().position(|entry| &*entry.key == key);
        }
        self.index.get(key).copied()
    }

    /// Where a key stands that was written here, not merged.
    pub(super) fn own(&self, key: &str) -> Option<Span> {
        self.find(key).filter(|at| !self.merged[*at]).map(|at| self.list[at].key_span)
    }

    /// Adds an entry, or puts it in the place of the one with its key.
    pub(super) fn set(&mut self, entry: Entry, merged: bool) {
        if let Some(at) = self.find(&entry.key) {
            self.list[at] = entry;
            self.merged[at] = merged;
            return;
        }
        self.list.push(entry);
        self.merged.push(merged);
        let from = match self.list.len() {
            len if len <= Self::SCANNED => return,
            len if len == Self::SCANNED + 1 => 0,
            len => len - 1,
        };
        for at in from..self.list.len() {
            self.index.insert(self.list[at].key.clone(), at);
        }
    }

    /// Merges as Go's reader does: at its place, so that it overrides keys above it and not those below; in a list the
    /// first mapping wins. `None` when the value is neither a mapping nor a list of mappings.
    pub(super) fn merge(&mut self, node: &Node) -> Option<()> {
        let sources = match &node.value {
            Value::Map(_) => std::slice::from_ref(node),
            Value::Seq(items) => items,
            _ => return None,
        };
        if !sources.iter().all(|source| matches!(source.value, Value::Map(_))) {
            return None;
        }
        for entry in sources.iter().rev().flat_map(Node::entries) {
            self.set(entry.clone(), true);
        }
        Some(())
    }
}
