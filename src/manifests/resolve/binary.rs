//! `!!binary`: base64 as Go's standard decoder takes it.

/// Decodes the text of a `!!binary` scalar to the string that kubectl sends on. Padding is required, line ends are skipped,
/// spaces are not. Bytes that are no UTF-8 become U+FFFD, one each, as in Go's JSON printer.
pub fn decode(text: &str) -> Result<String, String> {
    let refused = || "kubectl cannot read the !!binary value: it is not valid base64".to_owned();
    let symbols: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !symbols.len().is_multiple_of(4) {
        return Err(refused());
    }
    let padding = symbols.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    for group in symbols[..symbols.len() - padding].chunks(4) {
        let mut bits = 0_u32;
        for symbol in group {
            bits = bits << 6 | sextet(*symbol).ok_or_else(refused)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, first, second, third] = bits.to_be_bytes();
        bytes.extend_from_slice(&[first, second, third][..group.len() - 1]);
    }
    Ok(go_text(&bytes))
}

fn sextet(symbol: u8) -> Option<u32> {
    let value = match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Go puts one replacement character for every stray byte, Rust's lossy conversion one for a longer run.
fn go_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
    }
    text
}
