//! Durations as Prometheus writes them: `30s`, `1m30s`, `2h`, `1d`, `500ms`; units from large to small, whole numbers.

use std::time::Duration;

/// The duration of a text, or nothing when Prometheus refuses it.
pub(super) fn parse(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total, mut next) = (text, 0u64, 0usize);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = UNITS.iter().position(|(name, _)| *name == &rest[..len])?;
        if unit < next {
            return None;
        }
        next = unit + 1;
        total = total.checked_add(number.checked_mul(UNITS[unit].1)?)?;
        rest = &rest[len..];
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_prometheus_reads_them() {
        for (text, seconds) in
            [("30s", 30.0), ("1m30s", 90.0), ("1d", 86_400.0), ("500ms", 0.5), ("0", 0.0), ("0s", 0.0)]
        {
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "5", "5 m", "1.5h", "5min", "30s1m", "m", "-5m", "5m5m", "1h5", "ü"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
