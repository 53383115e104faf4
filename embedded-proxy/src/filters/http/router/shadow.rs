//! Copies of a request to other clusters. Their answers are read and thrown away.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{Choice, SendOptions};
use crate::http::Request;
use crate::route::{Input, RouteHit};
use crate::services::Services;
use crate::stream::Exchange;

use super::replay::Replay;

/// Sends the copies that the route asks for.
pub(super) fn mirror(services: &Arc<Services>, exchange: &Exchange, hit: &RouteHit, body: &Replay, limit: Duration) {
    for mirror in hit.mirrors().iter().filter(|mirror| mirror.hits(exchange.random)) {
        let Some(cluster) = mirror.cluster.resolve(&Input::of(exchange)).and_then(|name| services.clusters.get(&name))
        else {
            continue;
        };
        let choice = Choice { random: fastrand::u64(..), ..Choice::default() };
        let Some(host) = cluster.pick(&choice) else { continue };
        let request = Request { head: mirror.head(exchange), body: body.follower() };
        tokio::spawn(async move {
            let options = SendOptions::default();
            let sent = async {
                if let Ok(mut answer) = cluster.send(&host, request, &options).await {
                    cluster.requests.count(answer.response.head.status, crate::cluster::Origin::default());
                    while let Some(Ok(_)) = answer.response.body.frame().await {}
                }
            };
            if limit.is_zero() {
                sent.await;
            } else {
                // A copy that takes too long is given up; nobody waits for it.
                let _ = tokio::time::timeout(limit, sent).await;
            }
        });
    }
}
