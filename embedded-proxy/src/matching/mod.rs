//! Pure matchers: does a value match, and does one matcher take everything that another takes?

mod path;
mod text;

pub use path::PathMatcher;
pub use text::TextMatcher;
