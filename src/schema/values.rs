//! Values that know their place: scalars, lists and maps of a typed manifest.

use std::ops::Deref;

use crate::manifests::source::{Place, Span};

/// A value and where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place; all zero for a value that no file holds.
    pub place: Place,
}

/// Text with its place.
pub type Text = At<Box<str>>;
/// An integer with its place.
pub type Int = At<i64>;
/// A number with its place.
pub type Number = At<f64>;

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> At<T> {
    /// The value's bytes.
    pub fn span(&self) -> Span {
        self.place.span()
    }
}

impl Text {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

/// The text of an optional value, empty when it is not set.
pub fn text_or_empty(text: Option<&Text>) -> &str {
    text.map_or("", Text::as_str)
}

/// A list field. Not set and empty differ: [`List::is_set`].
#[derive(Debug, Clone, PartialEq)]
pub struct List<T> {
    /// The items that could be read.
    pub items: Vec<T>,
    /// Where the list stands, when it is set.
    pub place: Option<Place>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), place: None }
    }
}

impl<T> List<T> {
    /// True when the field is there, even as `[]`.
    pub fn is_set(&self) -> bool {
        self.place.is_some()
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl List<Text> {
    /// True when an item equals `text`.
    pub fn has(&self, text: &str) -> bool {
        self.items.iter().any(|item| item.as_str() == text)
    }
}

/// A field that maps names to values, in source order.
#[derive(Debug, Clone, PartialEq)]
pub struct Map<T> {
    /// Key and value of each entry that could be read.
    pub entries: Vec<(Text, T)>,
    /// Where the map stands, when it is set.
    pub place: Option<Place>,
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), place: None }
    }
}

impl<T> Map<T> {
    /// True when the field is there, even as `{}`.
    pub fn is_set(&self) -> bool {
        self.place.is_some()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value of a key.
    pub fn entry(&self, key: &str) -> Option<&(Text, T)> {
        self.entries.iter().find(|(name, _)| name.as_str() == key)
    }

    /// All entries in source order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &T)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A message that protobuf's JSON reader takes: every field also goes by its protobuf name (`from_cidr`, `fromCidr`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proto<T>(pub T);

impl<T> Deref for Proto<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl Map<Text> {
    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).map(Text::as_str)
    }

    /// Key and value as text, in source order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// True when `labels` has every entry of this map (a label selector; an empty one selects all).
    pub fn selects(&self, labels: &Map<Text>) -> bool {
        self.pairs().all(|(key, value)| labels.text(key) == Some(value))
    }
}
