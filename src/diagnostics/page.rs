//! The page of a code: everything that a user reads about it, as Markdown.

use super::code::Code;

impl Code {
    /// `# CODE Name`, then the level, the title and the sections of the doc comment. `meshctl explain` shows it and
    /// docs/findings is made of it.
    pub fn page(&self) -> String {
        let mut lines = self.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        let title = lines.next().unwrap_or_default();
        let body: Vec<&str> = lines.collect();
        format!("# {} {}\n\n{}: {title}\n\n{}\n", self.code, self.name, self.level.name(), body.join("\n").trim())
    }
}

#[cfg(test)]
mod tests {
    use crate::declare_code;

    declare_code! {
        /// A thing is not there
        ///
        /// ## Why
        ///
        /// ```yaml
        /// spec:
        ///   a: 1
        /// ```
        MISSING = "IST9999", "Missing", Warning
    }

    #[test]
    fn a_page_keeps_the_indentation_of_examples() {
        let page = "# IST9999 Missing\n\nWarning: A thing is not there\n\n## Why\n\n```yaml\nspec:\n  a: 1\n```\n";
        assert_eq!(MISSING.page(), page);
    }
}
