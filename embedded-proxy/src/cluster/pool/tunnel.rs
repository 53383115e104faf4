//! A tunnel through a host: opaque bytes over CONNECT, or over the bodies of a POST.

use std::any::Any;
use std::sync::Arc;

use http::{Method, StatusCode};

use crate::cluster::{Cluster, Host, UpstreamError};
use crate::http::{Opening, Request, RequestHead, ResponseHead, Version, h1};
use crate::net::Io;

use super::active::{Active, place};
use super::key::Wanted;
use super::pool::{Grant, cx_of};
use super::{Answer, ConnectFacts, SendOptions};

/// The answer to a request for a tunnel.
pub struct Tunnelled {
    /// Head of the response.
    pub head: ResponseHead,
    /// The tunnel; none when the host refused it.
    pub io: Option<Io>,
    /// The connection.
    pub facts: ConnectFacts,
    /// What counts the connection: it has to live as long as the tunnel.
    pub held: Option<Box<dyn Any + Send + Sync>>,
}

impl Cluster {
    /// Asks a host for a tunnel with the head of a CONNECT or POST request. The directions of a tunnel end one by one;
    /// dropping it resets the stream or closes the connection.
    pub async fn tunnel(
        self: &Arc<Self>,
        host: &Arc<Host>,
        head: RequestHead,
        options: &SendOptions<'_>,
    ) -> Result<Tunnelled, UpstreamError> {
        if head.method == Method::CONNECT {
            let pool = host.pools.get(self, &Wanted::of(&self.upstream, &head, options))?;
            match place(&pool, self, host).await? {
                Grant::Http1(client) => {
                    return match Active::begin(self, host, options.priority) {
                        Ok(active) => over_connection(client, &head, active).await,
                        Err(error) => {
                            pool.unused(Grant::Http1(client));
                            Err(error)
                        }
                    };
                }
                // There is a stream for it, which it gets in a moment.
                grant @ Grant::Http2(_) => pool.unused(grant),
            }
        }
        self.over_bodies(host, head, options).await
    }

    /// Request and response have bodies.
    async fn over_bodies(
        self: &Arc<Self>,
        host: &Arc<Host>,
        head: RequestHead,
        options: &SendOptions<'_>,
    ) -> Result<Tunnelled, UpstreamError> {
        let (opening, body) = Opening::new();
        let Answer { response, facts } = self.send(host, Request { head, body }, options).await?;
        let status = response.head.status;
        let accepts = match facts.protocol {
            Some(Version::Http2) => status == StatusCode::OK,
            _ => status.is_success(),
        };
        let open = accepts && !response.body.is_empty();
        let io = open.then(|| Io::Tunnel(Box::new(opening.accepted(response.body))));
        Ok(Tunnelled { head: response.head, io, facts, held: None })
    }
}

/// CONNECT over HTTP/1: the whole connection becomes the tunnel.
async fn over_connection(client: h1::Client, head: &RequestHead, active: Active) -> Result<Tunnelled, UpstreamError> {
    let facts = cx_of(&client).map(|cx| cx.facts.clone()).unwrap_or_default();
    let (head, open) = client.tunnel(head).await?;
    let (io, held) = open.map_or((None, None), |(io, guard)| (Some(io), guard));
    let held: Box<dyn Any + Send + Sync> = Box::new((held, active));
    Ok(Tunnelled { head, io, facts, held: Some(held) })
}
