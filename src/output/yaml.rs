//! The only YAML writer of the project (clippy.toml bans the others). It quotes every string that kubectl would read as
//! something else: `no`, `on`, `y`, `1_000`, `<<`.

use std::io::{self, Write};

use serde::Serialize;
use serde_yaml::SerializerOptions;

/// Writes one YAML document, keys in the order of the type, multi-line strings as literal blocks.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    out.write_all(to_string(value)?.as_bytes())
}

/// The same as a string that ends with a newline.
pub fn to_string(value: &impl Serialize) -> io::Result<String> {
    let mut options = SerializerOptions::default();
    // `>` blocks are valid, but a diff of a long description would show re-wrapped lines.
    options.folded_wrap_chars = usize::MAX;
    options.min_fold_chars = usize::MAX;
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    let mut text = serde_yaml::to_string_with_options(value, options).map_err(io::Error::other)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::to_string;
    use serde_json::json;

    #[test]
    fn strings_that_kubectl_would_read_as_something_else_are_quoted() {
        for word in
            ["no", "on", "y", "yes", "off", "~", "null", "1_000", "014", "0x1F", "1e3", "<<", "", " a", "1.5", "12:30"]
        {
            let text = to_string(&json!({ "a": word })).unwrap();
            assert!(text.contains('"') || text.contains('\''), "{word:?} is written bare: {text}");
        }
    }

    #[test]
    fn plain_things_stay_plain() {
        let long = "word ".repeat(60);
        let value = json!({"name": "reviews", "on": "x", "ports": [{"port": 80}], "empty": {}, "text": "a\nb\n", "long": long.trim()});
        insta::assert_snapshot!(to_string(&value).unwrap());
    }
}
