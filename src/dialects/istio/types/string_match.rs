//! How a request property is compared with text.

use crate::message;
use crate::schema::Text;

message! {
    /// A comparison with text: equal, starting with, or a regular expression over the whole value.
    pub struct StringMatch {
        /// The value must be equal to this.
        exact: Option<Text> = "exact",
        /// The value must start with this.
        prefix: Option<Text> = "prefix",
        /// The whole value must match this RE2 expression.
        regex: Option<Text> = "regex",
    } rules [AtMostOne(&["exact", "prefix", "regex"])]
}

/// The one comparison that is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison<'m> {
    /// Equal.
    Exact(&'m Text),
    /// Starting with.
    Prefix(&'m Text),
    /// RE2 over the whole value.
    Regex(&'m Text),
    /// Nothing is set: the property only has to be there.
    Present,
}

impl StringMatch {
    /// The comparison that is set; Istio's order when a broken manifest sets several.
    pub fn comparison(&self) -> Comparison<'_> {
        match (&self.exact, &self.prefix, &self.regex) {
            (Some(text), _, _) => Comparison::Exact(text),
            (None, Some(text), _) => Comparison::Prefix(text),
            (None, None, Some(text)) => Comparison::Regex(text),
            (None, None, None) => Comparison::Present,
        }
    }
}
