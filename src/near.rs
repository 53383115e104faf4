//! The near name: what somebody probably meant when a field, a flag or a code does not exist.

/// The candidate nearest to `word`, when one is near enough that offering it helps. Case, `-` and `_` do not count, and
/// neither does the order of candidates, except among equally near ones (the first wins).
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = folded(word);
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    let (length, letters) = (wanted.chars().count(), letters(&wanted));
    candidates
        .into_iter()
        .filter(|candidate| may_be_near(candidate, length, letters, limit))
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// False for words that one look tells apart, which spares the distance to nearly all names of a large input: each edit
/// changes the length by one at most and brings in one letter at most. Only ASCII is judged, other letters pass.
fn may_be_near(candidate: &str, length: usize, wanted: u64, limit: usize) -> bool {
    if !candidate.is_ascii() {
        return true;
    }
    let limit_of_letters = u32::try_from(limit).unwrap_or(u32::MAX);
    let counted = candidate.chars().filter(|c| !matches!(c, '-' | '_')).count();
    counted.abs_diff(length) <= limit && (wanted & !letters(candidate)).count_ones() <= limit_of_letters
}

/// A set with a bit for each letter and digit; characters that share a bit only make words look nearer.
fn letters(word: &str) -> u64 {
    word.bytes().filter(u8::is_ascii).fold(0, |set, byte| set | 1 << (byte.to_ascii_lowercase() & 63))
}

fn folded(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_errors_are_near() {
        let fields = ["hosts", "gateways", "exportTo", "http"];
        assert_eq!(nearest("host", fields), Some("hosts"));
        assert_eq!(nearest("export_to", fields), Some("exportTo"));
        assert_eq!(nearest("gatewyas", fields), Some("gateways"));
    }

    #[test]
    fn a_quick_look_rejects_nothing_near() {
        for (word, near) in [
            ("Ä-B", "äb"),
            ("abcdefghi", "xbcdyfgzi"),
            ("web", "we"),
            ("a_b_c_d", "abdc"),
            ("wäb", "web"),
            ("web", "wäb"),
        ] {
            assert_eq!(nearest(word, [near]), Some(near), "{word}");
        }
    }

    #[test]
    fn other_words_are_not() {
        assert_eq!(nearest("retries", ["hosts", "gateways"]), None);
        assert_eq!(nearest("tls", ["tcp"]), None);
    }
}
