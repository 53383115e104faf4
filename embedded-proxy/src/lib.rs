//! The mesh data plane. Empty so far: the crate stands here so that its dependencies stay apart from the tool's.
