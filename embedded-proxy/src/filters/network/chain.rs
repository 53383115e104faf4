//! The network filters of a filter chain in their order, the last of which serves the connection.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::registry::{Made, make};
use super::{NetworkFilter, Session, TcpProxy, Verdict};
use crate::hcm::Hcm;
use crate::http::auto;
use crate::net::{Drain, Io};
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Connection;

/// What serves a connection.
#[derive(Debug, Clone)]
pub enum Terminal {
    /// HTTP.
    Http(Arc<Hcm>),
    /// Opaque bytes to a cluster.
    Tcp(Arc<TcpProxy>),
}

/// Filters that decide, then one that serves.
pub struct NetworkChain {
    filters: Vec<Arc<dyn NetworkFilter>>,
    /// None: connections are closed at once, as in Envoy.
    terminal: Option<Terminal>,
}

impl NetworkChain {
    /// Reads a list of `envoy.config.listener.v3.Filter`. None: a defect was noted.
    pub fn read(readers: &[Reader<'_>], build: &Build) -> Option<Self> {
        let mut made = Vec::new();
        for reader in readers {
            // The type of the configuration says what it is.
            reader.ignore(&["name"]);
            let Some((name, config)) = reader.any("typed_config") else {
                if !reader.has("typed_config") {
                    reader.defect("typed_config", "must be set: the proxy does not have discovery of network filters");
                }
                made.push(None);
                continue;
            };
            made.push(make(&name, &config, build));
        }
        let last = made.len().saturating_sub(1);
        let mut chain = Self { filters: Vec::new(), terminal: None };
        for (index, made) in made.into_iter().enumerate() {
            match made? {
                Made::Terminal(terminal) if index == last => chain.terminal = Some(terminal),
                Made::Filter(filter) if index != last => chain.filters.push(filter),
                Made::Terminal(_) => {
                    readers[index].defect("", "a filter that serves the connection must be the last one");
                    return None;
                }
                Made::Filter(_) => {
                    readers[index].defect("", "the last filter must be one that serves the connection");
                    return None;
                }
            }
        }
        Some(chain)
    }

    /// Whether clients of this chain may wait for the server's first word: it is opaque TCP.
    pub fn server_may_speak_first(&self) -> bool {
        match &self.terminal {
            Some(Terminal::Tcp(_)) => true,
            Some(Terminal::Http(_)) | None => false,
        }
    }

    /// Waits until everything that the filters need from the control plane is there.
    pub async fn ready(&self) {
        match &self.terminal {
            Some(Terminal::Http(hcm)) => hcm.ready().await,
            Some(Terminal::Tcp(_)) | None => {}
        }
    }

    /// The connection manager at the end of the chain, if it serves HTTP.
    pub fn hcm(&self) -> Option<&Arc<Hcm>> {
        match &self.terminal {
            Some(Terminal::Http(hcm)) => Some(hcm),
            Some(Terminal::Tcp(_)) | None => None,
        }
    }

    /// The TCP proxy at the end of the chain, if it passes bytes on.
    pub fn tcp(&self) -> Option<&Arc<TcpProxy>> {
        match &self.terminal {
            Some(Terminal::Tcp(proxy)) => Some(proxy),
            Some(Terminal::Http(_)) | None => None,
        }
    }

    /// What the filters before the last one say about a connection, without effects.
    pub(crate) fn verdicts<'c>(
        &'c self,
        connection: &'c Connection,
    ) -> impl Iterator<Item = (&'static str, crate::filters::http::Verdict)> + 'c {
        self.filters.iter().filter_map(|filter| filter.verdict(connection))
    }

    /// Asks the filters, and returns what serves the connection to its end: as large as its kind of connection needs.
    /// Dropping that ends the connection.
    pub fn serve(&self, io: Io, mut session: Session, drain: Drain) -> BoxFuture<'_, ()> {
        for filter in &self.filters {
            if let Verdict::Close(why, delay) = filter.on_connection(&mut session) {
                tracing::debug!(connection = session.connection.id, "closed by a network filter: {why}");
                session.info.termination = Some(why);
                return Box::pin(self.close(io, session, delay));
            }
        }
        match &self.terminal {
            Some(Terminal::Http(hcm)) => {
                // What the session holds lives as long as the connection.
                let Session { connection, held, .. } = session;
                let serving = auto::serve(io, Arc::new(connection), hcm.clone(), drain);
                if held.is_empty() { Box::pin(serving) } else { Box::pin(serving.map(move |()| drop(held))) }
            }
            Some(Terminal::Tcp(proxy)) => Box::pin(proxy.serve(io, session, drain)),
            None => Box::pin(ready(())),
        }
    }

    /// Closes a connection that a filter does not want.
    async fn close(&self, io: Io, session: Session, delay: Option<Duration>) {
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        if let Some(Terminal::Tcp(proxy)) = &self.terminal {
            proxy.refused(&session);
        }
        drop(io);
    }
}

impl fmt::Debug for NetworkChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkChain({} filters, {:?})", self.filters.len(), self.terminal)
    }
}
