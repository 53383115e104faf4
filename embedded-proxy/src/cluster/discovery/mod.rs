//! Where the hosts of a cluster come from.

use crate::cluster::LoadAssignment;
use crate::proto::Reader;

/// The kinds of discovery.
#[derive(Debug, Clone, PartialEq)]
pub enum Discovery {
    /// The configuration names them.
    Static(LoadAssignment),
}

impl Discovery {
    /// Reads type and sources of a cluster.
    pub fn read(reader: &Reader<'_>, assignment: Option<LoadAssignment>) -> Option<Self> {
        let word = reader.word("type");
        if word != "STATIC" {
            reader.defect("type", format!("the proxy does not have {word}"));
            return None;
        }
        let assignment = assignment.unwrap_or_default();
        if let Some(named) = assignment.endpoints().find(|endpoint| endpoint.address.socket().is_none()) {
            let sentence =
                format!("{:?} is no IP address: names need type STRICT_DNS or LOGICAL_DNS", named.address.host);
            reader.defect("load_assignment", sentence);
            return None;
        }
        Some(Self::Static(assignment))
    }
}
