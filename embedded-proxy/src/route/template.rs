//! URI templates: `/users/{id}/**` matches paths, and a rewrite puts what the variables took elsewhere.

use regex::Regex;

/// Characters a literal part may have, besides letters and digits, as Envoy's parser takes them.
const LITERAL: &str = "-._~!$&'()+,;:@%=";
/// What `*` takes, measured with Envoy 1.40: the characters of a path component.
const COMPONENT: &str = r"a-zA-Z0-9\-._~%!$&'()+,;:@=*";
/// Most variables of a template.
const MOST_VARIABLES: usize = 5;
/// Longest name of a variable.
const LONGEST_NAME: usize = 16;

/// A template that matches whole paths.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    regex: Regex,
    names: Vec<String>,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Template {
    /// Parses a template; the error is a sentence for people.
    pub fn new(source: &str) -> Result<Self, String> {
        let rest = source.strip_prefix('/').ok_or("a template begins with /")?;
        let mut names = Vec::new();
        let mut expression = String::from("^");
        let segments = split(rest)?;
        for (index, segment) in segments.iter().enumerate() {
            expression.push('/');
            if segment.starts_with("**") && index + 1 != segments.len() {
                return Err("** is only allowed at the end of a template".into());
            }
            push_segment(segment, index + 1 == segments.len(), &mut expression, &mut names)?;
        }
        expression.push('$');
        if names.len() > MOST_VARIABLES {
            return Err(format!("a template has at most {MOST_VARIABLES} variables"));
        }
        let regex = Regex::new(&expression).map_err(|_| "the template cannot be compiled".to_string())?;
        Ok(Self { source: source.to_string(), regex, names })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a path without query matches.
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }
}

/// Segments between slashes, where a variable may hold slashes in its braces.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let mut segments = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '{' if depth == 0 => depth = 1,
            '}' if depth == 1 => depth = 0,
            '{' | '}' => return Err("braces of a template must be paired and not nested".into()),
            '/' if depth == 0 => {
                segments.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth != 0 {
        return Err("braces of a template must be paired".into());
    }
    segments.push(&text[start..]);
    Ok(segments)
}

fn push_segment(segment: &str, last: bool, expression: &mut String, names: &mut Vec<String>) -> Result<(), String> {
    match segment {
        "" if last => Ok(()),
        "" => Err("a template has no empty segment".into()),
        "*" => {
            expression.push_str(&format!("[{COMPONENT}]+"));
            Ok(())
        }
        "**" => {
            expression.push_str(&format!("[{COMPONENT}/]*"));
            Ok(())
        }
        _ => match segment.strip_prefix('{') {
            Some(variable) => push_variable(variable, last, expression, names),
            None => push_literal(segment, expression),
        },
    }
}

fn push_literal(text: &str, expression: &mut String) -> Result<(), String> {
    if let Some(bad) =
        text.chars().find(|character| !character.is_ascii_alphanumeric() && !LITERAL.contains(*character))
    {
        return Err(format!("a template's literal may not have {bad:?}"));
    }
    expression.push_str(&regex::escape(text));
    Ok(())
}

fn push_variable(text: &str, last: bool, expression: &mut String, names: &mut Vec<String>) -> Result<(), String> {
    let (inner, tail) = text.split_once('}').ok_or("braces of a template must be paired")?;
    let (name, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
    let word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty()
        || name.len() > LONGEST_NAME
        || !name.starts_with(|first: char| first.is_ascii_alphabetic())
        || !name.chars().all(word)
    {
        return Err(format!(
            "{name:?} is no name of a template variable: letters, digits and _, at most {LONGEST_NAME}"
        ));
    }
    if names.iter().any(|other| other == name) {
        return Err(format!("the template variable {name} stands twice"));
    }
    names.push(name.to_string());
    expression.push_str(&format!("(?P<{name}>"));
    for (index, segment) in pattern.split('/').enumerate() {
        if index > 0 {
            expression.push('/');
        }
        if segment.starts_with('{') || segment.is_empty() {
            return Err("a template variable holds literals, * and **".into());
        }
        push_segment(segment, last, expression, &mut Vec::new())?;
    }
    expression.push(')');
    if tail.is_empty() { Ok(()) } else { push_literal(tail, expression) }
}

/// A part of a rewrite.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

/// What a template's match is rewritten to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRewrite(Vec<Piece>);

impl TemplateRewrite {
    /// Parses a rewrite (`/new/{id}`) for the paths that `template` matches.
    pub fn new(source: &str, template: &Template) -> Result<Self, String> {
        if !source.starts_with('/') {
            return Err("a template's rewrite begins with /".into());
        }
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').ok_or("braces of a rewrite must be paired")?;
            if !template.names.iter().any(|other| other == name) {
                return Err(format!("the rewrite uses {name}, which the template does not have"));
            }
            pieces.push(Piece::Text(text.to_string()));
            pieces.push(Piece::Variable(name.to_string()));
            rest = tail;
        }
        if rest.contains('}') {
            return Err("braces of a rewrite must be paired".into());
        }
        pieces.push(Piece::Text(rest.to_string()));
        Ok(Self(pieces))
    }

    /// The new path; none when the path does not match.
    pub fn apply(&self, template: &Template, path: &str) -> Option<String> {
        let captures = template.regex.captures(path)?;
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name) => out.push_str(captures.name(name).map_or("", |value| value.as_str())),
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_segments_and_tails() {
        let matches = |template: &str, path: &str| Template::new(template).unwrap().matches(path);
        assert!(matches("/a/*/c", "/a/b/c") && !matches("/a/*/c", "/a/b/b/c") && !matches("/a/*/c", "/a//c"));
        assert!(matches("/a/**", "/a/b/c") && matches("/a/**", "/a/") && !matches("/a/**", "/a"));
        assert!(
            matches("/{x}/v1", "/u.1/v1") && matches("/{x=a/*}/v1", "/a/b/v1") && !matches("/{x=a/*}/v1", "/b/b/v1")
        );
        assert!(matches("/m/{f}.mp4", "/m/x.mp4") && !matches("/m/{f}.mp4", "/m/xmp4"));
    }

    #[test]
    fn wrong_templates_are_refused() {
        for wrong in ["a", "/{", "/{a}/{a}", "/**/a", "/a//b", "/{1a}", "/a b", "/{a}/{b}/{c}/{d}/{e}/{f}", "/{a={b}}"]
        {
            assert!(Template::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rewrite_uses_the_variables() {
        let template = Template::new("/{country}/{lang=**}").unwrap();
        let rewrite = TemplateRewrite::new("/{lang}/x/{country}", &template).unwrap();
        assert_eq!(rewrite.apply(&template, "/ch/de/ms").as_deref(), Some("/de/ms/x/ch"));
        assert!(TemplateRewrite::new("/{other}", &template).is_err());
    }
}
