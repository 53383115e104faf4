//! The real binary: output and exit codes, one file per command and one for what all share.

mod analyze;
mod completion;
mod explain;
mod global;
mod hostile;
mod man;
mod proxy;
mod simulate;
mod version;
