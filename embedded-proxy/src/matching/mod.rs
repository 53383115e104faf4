//! Pure matchers: does a value match, and does one matcher take everything that another takes?

mod pattern;
mod value;

pub use pattern::Pattern;
pub use value::ValueMatcher;
