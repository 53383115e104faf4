//! A connection of a check's own: HTTP/1 or HTTP/2, kept between checks.

use std::future::poll_fn;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::hcm::Http2Options;
use crate::http::{Request, Response, h1, h2};
use crate::net::Io;

use super::Checked;

/// A connection that speaks HTTP.
pub(super) enum Wire {
    /// HTTP/1: comes back to the slot after each response.
    One(Arc<Slot>),
    /// HTTP/2, with the task that moves its bytes.
    Two { client: h2::client::Client, _driver: Task },
}

/// Where an HTTP/1 connection waits for the next check.
#[derive(Default)]
pub(super) struct Slot(Mutex<Option<h1::Client>>);

/// A task that ends with its owner.
pub(super) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl h1::Home for Slot {
    fn back(&self, client: h1::Client) {
        *self.0.lock() = Some(client);
    }
}

impl Wire {
    /// Begins HTTP on a fresh connection.
    pub(super) async fn begin(io: Io, http2: bool, options: &Http2Options) -> Result<Self, Checked> {
        if !http2 {
            let client = h1::Client::new(io, h1::ClientOptions::default(), None);
            return Ok(Self::One(Arc::new(Slot(Mutex::new(Some(client))))));
        }
        let limits = h2::client::HeadLimits { bytes: 60 << 10, fields: 100 };
        let (client, mut driver) = h2::client::connect(io, options, limits, 1).await.map_err(|_| Checked::Network)?;
        let task = tokio::spawn(async move {
            // The error shows in the requests.
            let _ = poll_fn(|cx| driver.poll(cx)).await;
        });
        Ok(Self::Two { client, _driver: Task(task) })
    }

    /// Whether another request may be sent.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            Self::One(slot) => slot.0.lock().as_mut().is_some_and(h1::Client::is_open),
            Self::Two { client, .. } => client.limit().is_some_and(|limit| limit > 0),
        }
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(&mut self, request: Request) -> Result<Response, Checked> {
        match self {
            Self::One(slot) => {
                let client = slot.0.lock().take().ok_or(Checked::Network)?;
                client.send(request, slot.clone()).await.map_err(|_| Checked::Network)
            }
            Self::Two { client, .. } => {
                let call = client.begin(request).map_err(|_| Checked::Network)?;
                call.response(Arc::new(())).await.map_err(|_| Checked::Network)
            }
        }
    }
}
