//! Durations (rule 1): at least 1 ms, which the types check, and whole milliseconds, which only the validation checks.

use std::time::Duration;

use super::{Report, Verdict};
use crate::schema::{At, Period};

/// Whole milliseconds. A duration under 1 ms is left to the structural check.
pub fn whole_ms(period: Period) -> Verdict {
    let rest = period.0.subsec_nanos() % 1_000_000;
    if rest == 0 || period.0 < Duration::from_millis(1) {
        return Ok(());
    }
    Err(format!("the duration {} has a fraction of a millisecond, which proxies do not keep", text(period.0)))
}

/// Checks several durations of a message.
pub fn check<'d>(report: &mut Report<'_>, durations: impl IntoIterator<Item = Option<&'d At<Period>>>) {
    for duration in durations {
        report.value(duration, whole_ms);
    }
}

/// A duration as people write it: `1m30s`, `2.5s`, `100ms`.
pub fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 {
        let ms = duration.as_secs_f64() * 1000.0;
        return if ms == 0.0 { "0s".to_owned() } else { format!("{}ms", (ms * 1e6).round() / 1e6) };
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let rest = duration.as_secs_f64() - Duration::from_secs(hours * 3600 + minutes * 60).as_secs_f64();
    let mut text = String::new();
    if hours > 0 {
        text.push_str(&format!("{hours}h"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}m"));
    }
    if rest > 0.0 {
        text.push_str(&format!("{}s", (rest * 1e6).round() / 1e6));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_durations() {
        let of = |micros| whole_ms(Period(Duration::from_micros(micros)));
        assert!(of(1_000).is_ok() && of(30_000_000).is_ok());
        assert!(of(1_500).is_err());
        assert!(of(500).is_ok(), "too short is the type's finding");
    }

    #[test]
    fn durations_as_people_write_them() {
        for (ms, want) in [(40_000, "40s"), (90_000, "1m30s"), (100, "100ms"), (2_500, "2.5s"), (3_600_000, "1h")] {
            assert_eq!(text(Duration::from_millis(ms)), want);
        }
    }
}
