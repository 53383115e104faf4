//! Choice of the endpoint: hashing and warmup (rules 30 and 32), and what excludes what.

use super::locality;
use crate::analyzers::schema::shared::{Report, durations};
use crate::dialects::istio::types::{ConsistentHashLb, HttpCookie, LoadBalancerSettings, WarmupConfiguration};

/// Largest table of Maglev that Envoy takes.
const MAGLEV_LIMIT: i64 = 5_000_011;

/// Validates the settings when they are set. `has_outlier`: the same policy takes failing endpoints out.
pub fn check(report: &mut Report<'_>, settings: Option<&LoadBalancerSettings>, has_outlier: bool) {
    let Some(settings) = settings else { return };
    if let Some(hash) = &settings.consistent_hash {
        consistent_hash(report, hash);
    }
    if let (Some(_), Some(zone)) = (&settings.locality_lb_setting, &settings.zone_aware_lb_setting) {
        report.error(zone.place.entry(), "a policy takes either `localityLbSetting` or `zoneAwareLbSetting`");
    }
    locality::by_locality(report, settings.locality_lb_setting.as_deref(), has_outlier);
    locality::by_zone(report, settings.zone_aware_lb_setting.as_deref(), has_outlier);
    durations::check(report, [settings.warmup_duration_secs.as_ref()]);
    if let Some(warmup) = &settings.warmup {
        check_warmup(report, warmup);
    }
}

/// Rule 32. Required duration and percentage are rules of the type.
fn check_warmup(report: &mut Report<'_>, warmup: &WarmupConfiguration) {
    durations::check(report, [warmup.duration.as_ref()]);
    if let Some(aggression) = warmup.aggression.as_ref().filter(|aggression| aggression.value == 0.0) {
        report.error(aggression.span(), "the aggression must be above 0 (1 grows evenly)");
    }
}

/// Rule 30.
fn consistent_hash(report: &mut Report<'_>, hash: &ConsistentHashLb) {
    if let Some(cookie) = &hash.http_cookie {
        check_cookie(report, cookie);
    }
    if let Some(old) = hash.minimum_ring_size.as_ref().filter(|size| size.value != 0) {
        report
            .warning(old.place.entry(), "`minimumRingSize` is deprecated here")
            .help(format!("write `ringHash: {{minimumRingSize: {}}}`", old.value));
        if hash.ring_hash.is_some() || hash.maglev.is_some() {
            report.error(
                old.place.entry(),
                "`minimumRingSize` stands beside `ringHash` or `maglev`: only one is possible",
            );
        }
    }
    let Some(maglev) = &hash.maglev else { return };
    match maglev.table_size.as_ref().filter(|size| size.value != 0) {
        None => {
            report.error(maglev.place.entry(), "`maglev` needs a `tableSize`").help("65537 is Envoy's usual size");
        }
        Some(size) if size.value >= MAGLEV_LIMIT => {
            report.error(size.span(), format!("the table size must be under {MAGLEV_LIMIT}"));
        }
        Some(size) if !is_prime(size.value) => {
            report.error(size.span(), format!("the table size must be a prime number, {} is not", size.value));
        }
        Some(_) => {}
    }
}

fn check_cookie(report: &mut Report<'_>, cookie: &HttpCookie) {
    if let Some(name) = cookie.name.as_ref().filter(|name| name.as_str().is_empty()) {
        report.error(name.span(), "the cookie needs a name");
    }
    for (at, attribute) in cookie.attributes.iter().enumerate() {
        let Some(name) = &attribute.name else { continue };
        let repeated =
            cookie.attributes[..at].iter().any(|a| a.name.as_ref().is_some_and(|n| n.as_str() == name.as_str()));
        if name.as_str().is_empty() {
            report.error(name.span(), "an attribute of the cookie needs a name");
        } else if repeated {
            report.error(name.span(), format!("the attribute {:?} of the cookie is set twice", name.as_str()));
        }
    }
}

fn is_prime(n: i64) -> bool {
    n > 1 && (n < 4 || (n % 2 == 1 && (3..).step_by(2).take_while(|f| f * f <= n).all(|f| n % f != 0)))
}

#[cfg(test)]
mod tests {
    use super::is_prime;

    #[test]
    fn primes() {
        assert!([2, 3, 5, 65_537, 4_999_999].into_iter().all(is_prime));
        assert!(![0, 1, 4, 9, 65_536, 4_999_997 * 2].into_iter().any(is_prime));
    }
}
