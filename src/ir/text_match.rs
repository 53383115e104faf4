//! How a text of a request is compared.

use super::Name;

/// A comparison of one text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextMatch {
    /// What it is compared with.
    pub test: TextTest,
    /// Without regard to case.
    pub ignore_case: bool,
}

/// What a text is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextTest {
    /// It only has to be there.
    Present,
    /// Equal.
    Exact(Name),
    /// Starting with, letter by letter.
    Prefix(Name),
    /// Ending with.
    Suffix(Name),
    /// Containing.
    Contains(Name),
    /// RE2 over the whole text.
    Regex(Name),
}

impl TextMatch {
    /// A comparison with regard to case.
    pub fn of(test: TextTest) -> Self {
        Self { test, ignore_case: false }
    }

    /// Equal to a text.
    pub fn exact(text: impl Into<Name>) -> Self {
        Self::of(TextTest::Exact(text.into()))
    }
}

/// A comparison of the path, without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathMatch {
    /// What it is compared with.
    pub test: PathTest,
    /// Without regard to case; not for regular expressions.
    pub ignore_case: bool,
}

/// What a path is compared with. The two meanings of "prefix" are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathTest {
    /// Equal.
    Exact(Name),
    /// Starting with, letter by letter: `/foo` has `/foobar`.
    Prefix(Name),
    /// Starting with whole segments: `/foo` has `/foo` and `/foo/x`, not `/foobar`.
    SegmentPrefix(Name),
    /// RE2 over the whole path.
    Regex(Name),
    /// A template with `{*}` (one segment) and `{**}` (the rest).
    Template(Name),
}
