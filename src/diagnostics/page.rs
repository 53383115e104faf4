//! The page of a code: everything that a user reads about it, as Markdown.

use super::code::Code;

impl Code {
    /// `# CODE Name`, then the level, the title and the sections of the doc comment. `meshctl explain` shows it and
    /// docs/findings is made of it.
    pub fn page(&self) -> String {
        let title = self.title();
        format!("# {} {}\n\n{}: {title}\n\n{}\n", self.code, self.name, self.level.name(), self.body())
    }

    /// The doc comment after its title, without the space that follows `///`.
    pub fn body(&self) -> String {
        let lines = self.doc.lines().skip(1).map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    /// The text under a `## ` heading of the doc comment, empty when there is none.
    pub fn section(&self, heading: &str) -> String {
        let body = self.body();
        let mut lines = body.lines().skip_while(|line| line.strip_prefix("## ") != Some(heading)).skip(1);
        let section: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("## ")).collect();
        section.join("\n").trim().to_owned()
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
        ///
        /// ## Fix
        ///
        /// Add it.
        MISSING = "IST9999", "Missing", Warning
    }

    #[test]
    fn a_page_keeps_the_indentation_of_examples() {
        let page = "# IST9999 Missing\n\nWarning: A thing is not there\n\n## Why\n\n```yaml\nspec:\n  a: 1\n```\n\n## Fix\n\nAdd it.\n";
        assert_eq!(MISSING.page(), page);
    }

    #[test]
    fn a_section_ends_at_the_next_heading() {
        assert_eq!(MISSING.section("Why"), "```yaml\nspec:\n  a: 1\n```");
        assert_eq!(MISSING.section("Fix"), "Add it.");
        assert_eq!(MISSING.section("Bad"), "");
    }
}
