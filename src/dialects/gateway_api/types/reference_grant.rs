//! ReferenceGrant.

use super::reference::ObjectReference;
use crate::message;
use crate::schema::List;

message! {
    /// Leave for objects of other namespaces to name objects of this one.
    pub struct ReferenceGrant {
        /// Who may name: group, kind and namespace.
        from: List<ObjectReference> = "from",
        /// What may be named: group, kind and perhaps one name.
        to: List<ObjectReference> = "to",
    }
}
