//! Looking after idle connections of HTTP/1: no task waits on each of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::pool::Pool;

/// How often idle connections are looked at. Those that the peer closed stay that long, and are never used.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks after the idle connections of a pool until there are none. False: this thread cannot.
pub(super) fn start(pool: &Arc<Pool>) -> bool {
    let Ok(runtime) = Handle::try_current() else { return false };
    let idle = pool.upstream.http.common.idle_timeout.unwrap_or(PERIOD);
    let period = idle.clamp(Duration::from_millis(10), PERIOD);
    let pool = Arc::downgrade(pool);
    runtime.spawn(async move {
        loop {
            sleep(period).await;
            match pool.upgrade() {
                Some(pool) if pool.sweep() => {}
                _ => return,
            }
        }
    });
    true
}
