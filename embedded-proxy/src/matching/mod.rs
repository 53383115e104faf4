//! Pure matchers: does a value match, and does one matcher take everything that another takes?

mod cidr;
mod field;
mod header;
mod metadata;
mod path;
mod pattern;
mod query;
mod re2;
mod regex;
mod text;
pub mod tree;
mod value;

pub use cidr::{AddressMatcher, read_cidr, read_cidrs};
pub use field::{Field, Fields};
pub use header::HeaderMatcher;
pub use metadata::{DoubleMatcher, JsonMatcher, MetadataMatcher, at};
pub use path::{FilterStateMatcher, PathMatcher};
pub use pattern::Pattern;
pub use query::{QueryMatcher, parameter, parameters};
pub use regex::{Regex, RegexRewrite};
pub use text::{StringMatcher, TextPattern};
pub use value::ValueMatcher;
