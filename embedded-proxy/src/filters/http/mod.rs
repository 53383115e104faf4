//! HTTP filters: what they may do to an exchange, and the table of those that exist.

mod buffer;
mod call;
mod chain;
mod cors;
mod counters;
mod edit;
mod ext_authz;
mod fault;
mod grpc_stats;
mod grpc_web;
mod header_mutation;
mod health_check;
mod istio;
mod jwt_authn;
mod kept;
mod limits;
mod local_ratelimit;
mod metadata;
mod query;
mod ratelimit;
mod rbac;
mod registry;
pub mod router;
mod set_filter_state;
mod stateful_session;
mod structs;
#[cfg(test)]
pub(crate) mod testing;
mod throttle;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use chain::{Chain, Slot};
pub(crate) use grpc_stats::messages as grpc_messages;
pub use registry::{build, known, per_route};

use crate::http::{Reply, Response};
use crate::stream::Exchange;

/// What a filter's configuration at a route, virtual host or weighted cluster parses to.
pub type PerRoute = Arc<dyn Any + Send + Sync>;

/// What a filter does with a request.
pub enum Step<'f> {
    /// The next filter's turn.
    Next,
    /// The exchange ends here with this answer.
    Reply(Box<Reply>),
    /// The filter has to wait: for a service, a delay, a body.
    Wait(Pin<Box<dyn Future<Output = Result<(), Box<Reply>>> + Send + 'f>>),
}

impl From<Reply> for Step<'_> {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

/// An HTTP filter. One instance serves all exchanges of its chain; what belongs to one exchange goes to
/// `exchange.scratch`.
pub trait HttpFilter: Send + Sync {
    /// Looks at the request, in chain order. May change head and body.
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f>;

    /// What has to be waited for before [`HttpFilter::on_response`]: a filter that says something in the head about the
    /// body. None, as almost always: nothing.
    fn wait_response<'f>(
        &'f self,
        _exchange: &'f Exchange,
        _response: &'f mut Response,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send + 'f>>> {
        None
    }

    /// Looks at the response, in reverse order. Also called for local replies. May change head and body.
    fn on_response(&self, _exchange: &mut Exchange, _response: &mut Response) {}

    /// The exchange is over; its record is complete. Called once, also when the client went away.
    fn on_end(&self, _exchange: &Exchange) {}

    /// Whether `on_request` does nothing but change the exchange from what its configuration and the exchange say:
    /// `decide` then calls it, so that later filters see what they would see.
    fn is_pure(&self) -> bool {
        false
    }

    /// What the filter would say to this request without doing anything: for `decide`. None: it does not end requests.
    fn verdict(&self, _exchange: &Exchange) -> Option<Verdict> {
        None
    }
}

/// What a filter would do, for explanations.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It lets the request through. The text names the rule that decided, when there is one.
    Pass(Option<String>),
    /// It answers itself.
    Reply {
        /// The answer.
        reply: Box<Reply>,
        /// The rule that decided.
        rule: String,
    },
    /// It depends on something outside the configuration: a service, a counter, chance. The text says on what.
    Depends(String),
    /// Chance decides, by these shares of the requests.
    Chance {
        /// Requests that are held up: their share, and how long.
        delay: Option<(f64, std::time::Duration)>,
        /// Requests that are answered: their share, and the status.
        abort: Option<(f64, u16)>,
    },
}
