//! Where the configuration of the mesh comes from, as pieces of text that come, change and go.

mod directory;
mod watch;

use tokio::sync::mpsc::UnboundedSender;

use crate::manifests::input::Format;

pub use directory::Directory;

/// One piece of the configuration: a file, or an object of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its name, which people see: a path, or an object's.
    pub name: String,
    /// What it is now.
    pub content: Content,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text.
    Text(String, Format),
    /// It is there and cannot be read; the reason follows the name in a sentence.
    Unreadable(String),
    /// It is not there any more.
    Gone,
}

/// Where a source tells what changed.
pub type Pieces = UnboundedSender<Vec<Piece>>;

/// Keeps a source going; it ends when this is dropped.
pub type Guard = Box<dyn Send + Sync>;

/// Somewhere that configuration comes from.
pub trait Source: Send {
    /// Begins to tell. The first list is everything that is there, and may be empty; each later one is what changed since.
    fn start(self: Box<Self>, pieces: Pieces) -> Result<Guard, SourceError>;
}

/// Why a source cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{name}`")]
pub struct SourceError {
    /// What cannot be read.
    pub name: String,
    /// Why.
    #[source]
    pub cause: std::io::Error,
}
