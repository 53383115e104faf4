//! All pools of a host: each worker has its own.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::cluster::{Cluster, UpstreamError, UpstreamErrorKind};
use crate::services::worker;

use super::key::Wanted;
use super::pool::Pool;

/// Pools above which unused ones are looked for when another one is made.
const TIDY: usize = 8;

/// Connections to one host. They go with it.
#[derive(Debug, Default)]
pub struct HostPools(OnceLock<Box<[Slot]>>);

/// The pools of one worker.
type Slot = Mutex<Vec<Arc<Pool>>>;

impl HostPools {
    /// This worker's pool for what a request wants.
    pub(super) fn get(&self, cluster: &Cluster, wanted: &Wanted<'_>) -> Result<Arc<Pool>, UpstreamError> {
        let upstream = &cluster.upstream;
        let all = self.0.get_or_init(|| (0..upstream.workers).map(|_| Mutex::default()).collect());
        let mut pools = all[worker() % all.len()].lock();
        let fits = |pool: &&Arc<Pool>| pool.key.fits(wanted) && Arc::ptr_eq(&pool.upstream, upstream);
        if let Some(pool) = pools.iter().find(fits) {
            return Ok(pool.clone());
        }
        let key = wanted.to_key();
        if pools.len() >= TIDY {
            pools.retain(|pool| Arc::strong_count(pool) > 1 || !pool.is_unused());
        }
        let Some(permit) = cluster.breakers(key.priority).pools.try_take() else {
            upstream.stats.cx_pool_overflow.inc();
            return Err(UpstreamError::unsent(UpstreamErrorKind::Overflow, "overflow"));
        };
        let pool = Pool::new(key, upstream.clone(), permit);
        pools.push(pool.clone());
        Ok(pool)
    }

    /// Lets go of all connections: those without requests are closed, others when their requests have ended.
    pub fn close(&self) {
        let Some(all) = self.0.get() else { return };
        for pools in all {
            let closed = std::mem::take(&mut *pools.lock());
            drop(closed);
        }
    }
}
