//! Header fields in the order they came. A request has a dozen of them: a walk is faster than hashing.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Header fields or trailers: names are lower case, order and repetitions are kept, as Envoy keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// No fields, with room for `count`.
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// How many fields there are, repetitions counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first field of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The first field of that name as text; none when it is not visible ASCII.
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        self.get(name)?.to_str().ok()
    }

    /// All fields of that name.
    pub fn all<'h>(&'h self, name: &'h HeaderName) -> impl Iterator<Item = &'h HeaderValue> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value)
    }

    /// Whether there is one of that name.
    pub fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// The values of that name joined by commas, as Envoy's matchers see a repeated field. None when there is none.
    pub fn joined(&self, name: &HeaderName) -> Option<std::borrow::Cow<'_, [u8]>> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
        let first = values.next()?;
        let mut joined: std::borrow::Cow<'_, [u8]> = first.as_bytes().into();
        for value in values {
            let joined = joined.to_mut();
            joined.push(b',');
            joined.extend_from_slice(value.as_bytes());
        }
        Some(joined)
    }

    /// Adds a field at the end; others of its name stay.
    pub fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Makes this the only field of its name, at the place of the first of them.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        match self.0.iter().position(|(other, _)| *other == name) {
            Some(first) => {
                self.0[first].1 = value;
                let mut index = 0;
                self.0.retain(|(other, _)| {
                    index += 1;
                    index - 1 == first || *other != name
                });
            }
            None => self.0.push((name, value)),
        }
    }

    /// Removes all fields of that name and returns how many there were.
    pub fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.0.len();
        self.0.retain(|(other, _)| other != name);
        before - self.0.len()
    }

    /// Keeps the fields for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&HeaderName, &HeaderValue) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Bytes of names and values, two more for each field: what Envoy's header limits count.
    pub fn byte_size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum()
    }

    /// The same fields as a map of the `http` crate, which h2 wants.
    pub fn into_map(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.0.len());
        for (name, value) in self.0 {
            map.append(name, value);
        }
        map
    }
}

impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        let mut fields = Vec::with_capacity(map.len());
        let mut last = None;
        for (name, value) in map {
            // HeaderMap names only the first of several values.
            let Some(name) = name.or_else(|| last.clone()) else { continue };
            last = Some(name.clone());
            fields.push((name, value));
        }
        Self(fields)
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for Headers {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl IntoIterator for Headers {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::vec::IntoIter<(HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let field =
            |name: &'static str, value: &'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        [field("a", "1"), field("b", "2"), field("a", "3")].into_iter().collect()
    }

    #[test]
    fn set_keeps_the_first_place_and_drops_the_rest() {
        let mut headers = sample();
        headers.set(HeaderName::from_static("a"), HeaderValue::from_static("9"));
        let text: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(text, ["a=9", "b=2"]);
    }

    #[test]
    fn repeated_fields_join_with_commas() {
        let headers = sample();
        assert_eq!(headers.joined(&HeaderName::from_static("a")).unwrap().as_ref(), b"1,3");
        assert_eq!(headers.joined(&HeaderName::from_static("b")).unwrap().as_ref(), b"2");
        assert!(headers.joined(&HeaderName::from_static("c")).is_none());
    }

    #[test]
    fn a_map_keeps_repetitions() {
        let back = Headers::from(sample().into_map());
        assert_eq!(back.len(), 3);
        assert_eq!(back.all(&HeaderName::from_static("a")).count(), 2);
    }
}
