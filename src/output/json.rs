//! The JSON writer: two-space indentation, keys in the order of the type, one newline at the end.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one JSON document.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn ends_with_one_newline() {
        let mut out = Vec::new();
        super::write(&mut out, &serde_json::json!({"b": 1, "a": []})).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"b\": 1,\n  \"a\": []\n}\n");
    }
}
