//! Changes of header fields that a service asks for.

use http::{HeaderName, HeaderValue, Method, header};

use crate::http::{Headers, RequestHead};

/// How a value meets one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It replaces it.
    Set,
    /// It stands beside it.
    Add,
    /// It gives way.
    AddIfAbsent,
    /// It replaces it, and without one there is nothing to do.
    OverwriteIfExists,
    /// It is joined to it by a comma, and without one there is nothing to do.
    Append,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    pub(super) how: How,
}

impl Edit {
    /// Whether name and value are valid HTTP.
    pub(super) fn is_valid(&self) -> bool {
        let pseudo = matches!(self.name.as_str(), ":path" | ":authority" | ":method" | ":scheme");
        (pseudo || HeaderName::from_bytes(self.name.as_bytes()).is_ok()) && HeaderValue::from_bytes(&self.value).is_ok()
    }

    /// Changes fields. False: name or value is no valid HTTP, nothing is changed.
    pub(super) fn apply(&self, headers: &mut Headers) -> bool {
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(self.name.as_bytes()), HeaderValue::from_bytes(&self.value))
        else {
            return false;
        };
        match self.how {
            How::Set => headers.set(name, value),
            How::AddIfAbsent if headers.has(&name) => {}
            How::Add | How::AddIfAbsent => headers.add(name, value),
            How::OverwriteIfExists if headers.has(&name) => headers.set(name, value),
            How::OverwriteIfExists => {}
            How::Append => return self.append(headers, name),
        }
        true
    }

    fn append(&self, headers: &mut Headers, name: HeaderName) -> bool {
        let Some(joined) = headers.get(&name).map(|there| [there.as_bytes(), b",", &self.value].concat()) else {
            return true;
        };
        let Ok(joined) = HeaderValue::from_bytes(&joined) else { return false };
        headers.set(name, joined);
        true
    }

    /// Changes a request. Pseudo headers and `host` are its members; they are always there, and always replaced.
    pub(super) fn apply_to(&self, head: &mut RequestHead) -> bool {
        let text = || std::str::from_utf8(&self.value).ok().filter(|text| !text.is_empty());
        let visible = |text: &str| text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        match self.name.to_ascii_lowercase().as_str() {
            ":path" => text().filter(|path| visible(path)).map(|path| head.path = path.to_string()).is_some(),
            ":authority" | "host" => {
                text().filter(|host| visible(host)).map(|host| head.authority = host.to_string()).is_some()
            }
            ":method" => Method::from_bytes(&self.value).map(|method| head.method = method).is_ok(),
            ":scheme" => match text() {
                Some("https") => {
                    head.scheme = "https";
                    true
                }
                Some("http") => {
                    head.scheme = "http";
                    true
                }
                _ => false,
            },
            name if name.starts_with(':') => false,
            _ => self.apply(&mut head.headers),
        }
    }
}

/// Removes a field that a service may remove: no pseudo header, not the host.
pub(super) fn remove(head: &mut RequestHead, name: &str) -> bool {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) if name != header::HOST => head.headers.remove(&name) > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::http::testing::head;

    fn edit(name: &str, value: &str, how: How) -> Edit {
        Edit { name: name.into(), value: value.into(), how }
    }

    #[test]
    fn fields_change_as_asked() {
        let mut head = head("GET", "/", &[("a", "1")]);
        assert!(edit("a", "2", How::Add).apply_to(&mut head) && edit("b", "3", How::AddIfAbsent).apply_to(&mut head));
        assert!(edit("a", "9", How::AddIfAbsent).apply_to(&mut head));
        assert!(edit("c", "4", How::OverwriteIfExists).apply_to(&mut head));
        let text: Vec<String> =
            head.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(text, ["a=1", "a=2", "b=3"]);
        assert!(!edit("a b", "1", How::Set).apply_to(&mut head) && !edit("a", "x\ny", How::Set).apply_to(&mut head));
    }

    #[test]
    fn pseudo_headers_are_members() {
        let mut head = head("GET", "/", &[]);
        assert!(edit(":path", "/new", How::Set).apply_to(&mut head) && edit("Host", "h", How::Set).apply_to(&mut head));
        assert_eq!((head.path.as_str(), head.authority.as_str()), ("/new", "h"));
        assert!(!edit(":path", "/a b", How::Set).apply_to(&mut head) && !edit(":x", "y", How::Set).apply_to(&mut head));
        assert!(!remove(&mut head, "host") && !remove(&mut head, ":path"));
    }
}
