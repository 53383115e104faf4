//! What a request counts as.

use crate::proto::Reader;

/// Keys and values in order, made by the actions of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Keys and values.
    pub entries: Vec<(String, String)>,
    /// How many tokens or hits the request takes; one when not said.
    pub hits: Option<u64>,
    /// The hits are given back instead of taken.
    pub negative: bool,
    /// A limit that the rate limit service shall use instead of its own: requests, and the number of the unit.
    pub limit: Option<(u32, i32)>,
}

impl Descriptor {
    /// Reads the entries of a `RateLimitDescriptor` or `LocalRateLimitDescriptor`.
    pub fn read_entries(reader: &Reader<'_>) -> Option<Vec<(String, String)>> {
        let entries: Option<Vec<_>> =
            reader.list("entries").iter().map(|entry| Some((entry.need_text("key")?, entry.text("value")))).collect();
        if entries.as_ref().is_some_and(Vec::is_empty) {
            reader.defect("entries", "must not be empty");
            return None;
        }
        entries
    }
}
