//! Names that somebody may have meant, for the first findings of a run only: each search looks at all names.

/// Searches that are still allowed.
#[derive(Debug)]
pub struct Suggestions {
    left: usize,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self { left: 100 }
    }
}

impl Suggestions {
    /// The result of a search while there are searches left.
    pub fn find<T>(&mut self, search: impl FnOnce() -> Option<T>) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        search()
    }
}

#[cfg(test)]
mod tests {
    use super::Suggestions;

    #[test]
    fn searches_end() {
        let mut suggestions = Suggestions { left: 1 };
        assert_eq!(suggestions.find(|| Some(1)), Some(1));
        assert_eq!(suggestions.find(|| Some(1)), None);
    }
}
