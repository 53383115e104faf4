//! The near name: what somebody probably meant when a field, a flag or a code does not exist.

/// The candidate nearest to `word`, when one is near enough that offering it helps. Case, `-` and `_` do not count, and
/// neither does the order of candidates, except among equally near ones (the first wins).
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = folded(word);
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
    fn other_words_are_not() {
        assert_eq!(nearest("retries", ["hosts", "gateways"]), None);
        assert_eq!(nearest("tls", ["tcp"]), None);
    }
}
