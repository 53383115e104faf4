//! What a dialect says and the model does not have, or has otherwise.

use super::{Name, Origin};

/// One field that did not come over as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loss {
    /// The field.
    pub origin: Origin,
    /// How much of it.
    pub kind: LossKind,
    /// Why, and what happens instead; for people.
    pub reason: Name,
}

/// How much of a field was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// Something close takes its place.
    Approximated,
    /// Nothing takes its place.
    Lost,
    /// The object is broken: it is refused as a whole, or the part is left out in the way that widens no access.
    Refused,
}
