//! Path templates: `/users/{id}/**`, as `uri_template` matches and rewrites use them.

use regex::Regex;

/// Characters of a path component: unreserved, escapes, and sub-delimiters but `*` and `=`.
const COMPONENT: &str = r"a-zA-Z0-9\-._~%!$&'()+,;:@";

/// A compiled template.
#[derive(Debug, Clone)]
pub struct PathTemplate {
    source: String,
    regex: Regex,
}

impl PartialEq for PathTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl PathTemplate {
    /// Compiles a template: `*` is one component, `**` any number of them and the last operator, `{name}` a component
    /// and `{name=a/*}` a part of the path under a name. The error is a sentence for people.
    pub fn new(source: &str) -> Result<Self, String> {
        let mut parser = Parser { names: Vec::new(), glob_seen: false };
        let rest = source.strip_prefix('/').ok_or("a path template begins with /")?;
        let body = parser.pattern(rest)?;
        let regex = Regex::new(&format!("^/{body}$")).map_err(|error| error.to_string())?;
        Ok(Self { source: source.to_string(), regex })
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names of its variables, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }

    /// Whether a path without query matches.
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }

    /// The values of its variables in a path that matches.
    pub fn values<'p>(&'p self, path: &'p str) -> Option<Vec<(&'p str, &'p str)>> {
        let found = self.regex.captures(path)?;
        Some(self.names().filter_map(|name| Some((name, found.name(name)?.as_str()))).collect())
    }
}

struct Parser {
    names: Vec<String>,
    glob_seen: bool,
}

impl Parser {
    fn pattern(&mut self, mut rest: &str) -> Result<String, String> {
        let mut regex = String::new();
        while !rest.is_empty() {
            let after = match rest.as_bytes()[0] {
                b'*' => self.operator(rest, &mut regex)?,
                b'{' => self.variable(rest, &mut regex)?,
                _ => literal(rest, &mut regex)?,
            };
            match after.strip_prefix('/') {
                Some(next) => {
                    regex.push('/');
                    rest = next;
                }
                // Text right behind an operator or variable is the end of the template.
                None if after.is_empty() => break,
                None => {
                    let end = literal(after, &mut regex)?;
                    return if end.is_empty() {
                        Ok(regex)
                    } else {
                        Err("text behind a variable must be the end".into())
                    };
                }
            }
        }
        Ok(regex)
    }

    fn operator<'r>(&mut self, rest: &'r str, regex: &mut String) -> Result<&'r str, String> {
        if self.glob_seen {
            return Err("** must be the last operator".into());
        }
        if let Some(after) = rest.strip_prefix("**") {
            self.glob_seen = true;
            regex.push_str(&format!("[{COMPONENT}/]*"));
            return Ok(after);
        }
        regex.push_str(&format!("[{COMPONENT}]+"));
        Ok(&rest[1..])
    }

    fn variable<'r>(&mut self, rest: &'r str, regex: &mut String) -> Result<&'r str, String> {
        let (inside, after) = rest[1..].split_once('}').ok_or("a { without }")?;
        let (name, pattern) = inside.split_once('=').map_or((inside, None), |(name, pattern)| (name, Some(pattern)));
        let valid = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= 16
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !valid || self.names.iter().any(|other| other == name) || self.names.len() >= 5 {
            return Err(format!("{name:?} is no good name for a variable, or there are too many"));
        }
        self.names.push(name.to_string());
        regex.push_str(&format!("(?P<{name}>"));
        let mut pattern = pattern.unwrap_or("*");
        loop {
            pattern = match pattern.as_bytes().first() {
                None => return Err("a variable with an empty pattern".into()),
                Some(b'*') => self.operator(pattern, regex)?,
                Some(_) => literal(pattern, regex)?,
            };
            if pattern.is_empty() {
                break;
            }
            pattern = pattern.strip_prefix('/').ok_or("a variable's pattern is made of components")?;
            regex.push('/');
        }
        regex.push(')');
        Ok(after)
    }
}

fn literal<'r>(rest: &'r str, regex: &mut String) -> Result<&'r str, String> {
    let end = rest.find('/').unwrap_or(rest.len());
    let (literal, after) = rest.split_at(end);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@".contains(&byte);
    if literal.is_empty() || !literal.bytes().all(good) {
        return Err(format!("{literal:?} is no component of a path"));
    }
    regex.push_str(&regex::escape(literal));
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_match_components() {
        let check = |template: &str, yes: &[&str], no: &[&str]| {
            let compiled = PathTemplate::new(template).unwrap();
            assert!(yes.iter().all(|path| compiled.matches(path)), "{template} {yes:?}");
            assert!(!no.iter().any(|path| compiled.matches(path)), "{template} {no:?}");
        };
        check("/a/*", &["/a/b", "/a/b.c"], &["/a", "/a/", "/a/b/c", "/a/b=c"]);
        check("/a/**", &["/a/", "/a/b/c"], &["/a", "/b/a/"]);
        check("/*/x/{rest=**}", &["/a/x/", "/a/x/y/z"], &["/x/y"]);
        check("/v/{id}.json", &["/v/1.json"], &["/v/1", "/v/1/2.json"]);
        check("/a.b/", &["/a.b/"], &["/axb/", "/a.b"]);
    }

    #[test]
    fn variables_have_values() {
        let template = PathTemplate::new("/{a}/{b=x/*}").unwrap();
        assert_eq!(template.values("/1/x/2"), Some(vec![("a", "1"), ("b", "x/2")]));
        assert_eq!(template.values("/1/y/2"), None);
    }

    #[test]
    fn bad_templates_are_refused() {
        for template in
            ["a", "/**/*", "/{1}", "/{a}/{a}", "/{a", "/{a=}", "/a*b/c", "/a//b", "/{a}b/c", "/[", "/**/{a}"]
        {
            assert!(PathTemplate::new(template).is_err(), "{template}");
        }
    }
}
