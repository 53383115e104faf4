//! Keeps the identity fresh: asks, publishes, waits for half of the certificate's life, asks again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};

use super::request::Request;
use super::{Authority, CERTIFICATE, ROOTS, Settings};
use crate::services::Services;
use crate::telemetry::stats::{Counter, Gauge, Scope};
use crate::tls::{Secret, is_spiffe_id};

/// First and longest time between attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How far around half of the life the renewal may be, as a share of the life: proxies that started together do not
/// come back together.
const JITTER: f64 = 0.05;

/// What the proxy shows and trusts.
struct Identity {
    certificate: Arc<Secret>,
    roots: Arc<Secret>,
    /// Seconds since 1970 between which the certificate is valid.
    valid: (i64, i64),
}

struct IdentityStats {
    renewed: Arc<Counter>,
    failed: Arc<Counter>,
    expires: Arc<Gauge>,
}

/// Keeps the identity until the proxy ends. Certificate and roots are published wherever they are watched, now and
/// later. What was issued last stays when renewing fails; once it has expired, TLS does not show it any more.
pub async fn keep(services: Arc<Services>, settings: Arc<Settings>, authority: Arc<dyn Authority>) {
    let scope = Scope::root(&services.stats).sub("identity");
    let stats = IdentityStats {
        renewed: scope.counter("renewed"),
        failed: scope.counter("renewal_failed"),
        expires: scope.gauge("expires_at_seconds"),
    };
    let mut watched = services.secrets.changes();
    let mut identity: Option<Identity> = None;
    let mut wait = BACKOFF.0;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            changed = watched.changed() => {
                if changed.is_err() {
                    return;
                }
                publish(&services, identity.as_ref());
                continue;
            }
        }
        match obtain(&settings, &*authority).await {
            Ok(fresh) => {
                stats.renewed.inc();
                stats.expires.set(fresh.valid.1);
                let pause = until_renewal(fresh.valid, now(), fastrand::f64());
                tracing::info!("certificate for {} obtained, to be renewed in {} s", settings.id, pause.as_secs());
                (next, wait) = (Instant::now() + pause, BACKOFF.0);
                identity = Some(fresh);
                publish(&services, identity.as_ref());
            }
            Err(error) => {
                stats.failed.inc();
                tracing::warn!("no certificate for {}: {error}", settings.id);
                next = Instant::now() + wait.mul_f64(0.5 + fastrand::f64());
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Time until the renewal: half of the life after its beginning, a little earlier or later by chance (0 to 1), never
/// in less than a second.
fn until_renewal((from, until): (i64, i64), now: i64, chance: f64) -> Duration {
    let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let share = 0.5 + JITTER * (2.0 * chance - 1.0);
    let passed = seconds(now.saturating_sub(from));
    seconds(until.saturating_sub(from)).mul_f64(share).saturating_sub(passed).max(Duration::from_secs(1))
}

/// A new key with its certificate, checked.
async fn obtain(settings: &Settings, authority: &dyn Authority) -> Result<Identity, String> {
    let request = Request::new(&settings.id)?;
    let answer = authority.sign(request.csr.clone(), settings.lifetime).await?;
    let root = answer.last().filter(|_| answer.len() > 1);
    let certificate = Secret::certificate_from_pem(CERTIFICATE, shown(&answer), request.key_pem())?;
    let facts = &certificate.certificate().ok_or("no certificate came")?.facts;
    let ids: Vec<&str> = facts.uris().collect();
    if ids != [settings.id.as_str()] || !is_spiffe_id(&settings.id) {
        return Err(format!("the certificate is for {ids:?}, not for {}", settings.id));
    }
    if !facts.is_valid_at(now()) {
        return Err("the certificate is not valid now".into());
    }
    let valid = facts.valid;
    let mut roots = root.cloned().unwrap_or_default();
    if let Some(path) = &settings.roots {
        let failed = |error: std::io::Error| format!("reading the roots {}: {error}", path.display());
        roots.push('\n');
        roots.push_str(&tokio::fs::read_to_string(path).await.map_err(failed)?);
    }
    if roots.trim().is_empty() {
        return Err("no root came with the certificate".into());
    }
    let roots = Secret::roots_from_pem(ROOTS, roots)?;
    Ok(Identity { certificate: Arc::new(certificate), roots: Arc::new(roots), valid })
}

/// The chain to show: all but the root, which peers have themselves.
fn shown(answer: &[String]) -> String {
    let count = if answer.len() > 1 { answer.len() - 1 } else { answer.len() };
    answer[..count].join("\n")
}

fn publish(services: &Services, identity: Option<&Identity>) {
    if let Some(identity) = identity {
        services.secrets.publish_everywhere(CERTIFICATE, &identity.certificate);
        services.secrets.publish_everywhere(ROOTS, &identity.roots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_around_half_of_the_life() {
        let day = (0, 86_400);
        let hours = |hours: f64| Duration::from_secs_f64(hours * 3600.0);
        assert_eq!(until_renewal(day, 0, 0.5), hours(12.0));
        assert_eq!(until_renewal(day, 3600, 0.5), hours(11.0));
        assert_eq!(until_renewal(day, 0, 0.0), hours(10.8));
        assert_eq!(until_renewal(day, 0, 1.0), hours(13.2));
        assert_eq!(until_renewal(day, 90_000, 0.5), Duration::from_secs(1), "late");
        assert_eq!(until_renewal((10, 5), 7, 0.5), Duration::from_secs(1), "nonsense");
    }
}
