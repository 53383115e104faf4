//! Percentages with fractions (rules 13 and 18).

use super::Verdict;

/// From 0 to 100.
pub fn percent(value: f64) -> Verdict {
    if (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    Err(format!("{value} is no percentage: it must be from 0 to 100"))
}

/// 0, or from 0.0001 to 100: proxies count in millionths.
pub fn fine_percent(value: f64) -> Verdict {
    percent(value)?;
    if value == 0.0 || value >= 0.0001 {
        return Ok(());
    }
    Err(format!("{value} percent is too fine: the smallest share is 0.0001"))
}

/// A whole percentage.
pub fn whole_percent(value: i64) -> Verdict {
    if (0..=100).contains(&value) {
        return Ok(());
    }
    Err(format!("{value} is no percentage: it must be from 0 to 100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_18_percentages() {
        assert!(fine_percent(0.0).is_ok() && fine_percent(0.0001).is_ok() && fine_percent(100.0).is_ok());
        assert!(fine_percent(0.00001).is_err() && fine_percent(100.1).is_err() && fine_percent(-1.0).is_err());
        assert!(percent(0.00001).is_ok());
    }
}
