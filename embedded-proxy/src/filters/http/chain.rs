//! Filters in their order, as one connection manager or ECDS update has them.

use std::sync::Arc;

use super::{HttpFilter, Step};
use crate::http::{Reply, Response};
use crate::stream::Exchange;

/// A filter at its place, under the name that per-route configuration refers to.
pub struct Slot {
    /// Name in the configuration (`envoy.filters.http.rbac`).
    pub name: Arc<str>,
    /// Off unless a route turns it on.
    pub disabled: bool,
    /// The filter.
    pub filter: Arc<dyn HttpFilter>,
}

/// All filters before the router.
#[derive(Default)]
pub struct Chain {
    /// In configured order.
    pub slots: Vec<Slot>,
}

impl Chain {
    /// Whether the filter looks at the exchange: routes may turn it on or off.
    pub fn runs(slot: &Slot, exchange: &Exchange) -> bool {
        let route = exchange.route.as_ref().and_then(|hit| hit.filter_disabled(&slot.name));
        !route.unwrap_or(slot.disabled)
    }

    /// Runs the request through the filters. An error is the answer of the filter that ended it; its index tells which
    /// filters saw the request.
    pub async fn request(&self, exchange: &mut Exchange) -> Result<(), Box<Reply>> {
        for slot in &self.slots {
            if !Self::runs(slot, exchange) {
                continue;
            }
            match slot.filter.on_request(exchange) {
                Step::Next => {}
                Step::Reply(reply) => return Err(reply),
                Step::Wait(wait) => wait.await?,
            }
        }
        Ok(())
    }

    /// Runs the response through the filters, last first.
    pub async fn response(&self, exchange: &mut Exchange, response: &mut Response) {
        for slot in self.slots.iter().rev() {
            if Self::runs(slot, exchange) {
                if let Some(wait) = slot.filter.wait_response(exchange, response) {
                    wait.await;
                }
                slot.filter.on_response(exchange, response);
            }
        }
    }

    /// Tells the filters that the exchange is over.
    pub fn end(&self, exchange: &Exchange) {
        for slot in &self.slots {
            if Self::runs(slot, exchange) {
                slot.filter.on_end(exchange);
            }
        }
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.slots.iter().map(|slot| &slot.name)).finish()
    }
}
