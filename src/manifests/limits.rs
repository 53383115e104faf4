//! How large an input may be before it is refused: an error at its place, never a crash.

/// Limits on one run's input. The defaults fit every real manifest and stop hostile ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Nesting levels of one document. kubectl's JSON decoder stops at 10,000; nothing real passes 100.
    pub depth: usize,
    /// Nodes of one document after aliases and merges are expanded.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, depth: 200, nodes: 2_000_000 }
    }
}
