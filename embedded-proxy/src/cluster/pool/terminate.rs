//! The end of a CONNECT request: a connection of its own, whose bytes are the bodies of request and response.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, Host, UpstreamError, UpstreamErrorKind};
use crate::http::{Body, BodyStream, Frame, Response, ResponseHead, StreamError};
use crate::net::Io;

use super::{Answer, SendOptions};

/// Room for one reading.
const READ: usize = 16 * 1024;

/// Moves a request's body to the connection; dropped with the response.
struct Upload(JoinHandle<()>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn upload(mut body: Body, mut connection: WriteHalf<Io>) {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(Frame::Data(data)) => {
                if connection.write_all(&data).await.is_err() || connection.flush().await.is_err() {
                    return;
                }
            }
            Ok(Frame::Trailers(_)) => break,
            // The client is gone: the codec drops the response, and with it the connection.
            Err(_) => return,
        }
    }
    // A peer that is gone has nothing to be told.
    let _ = connection.shutdown().await;
}

struct Download {
    connection: ReadHalf<Io>,
    room: BytesMut,
    _upload: Option<Upload>,
}

impl BodyStream for Download {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let download = self.get_mut();
        download.room.reserve(READ);
        let read = ready!(pin!(download.connection.read_buf(&mut download.room)).poll(cx));
        Poll::Ready(match read {
            Ok(0) => None,
            Ok(_) => Some(Ok(Frame::Data(download.room.split().freeze()))),
            Err(_) => Some(Err(StreamError::Disconnected)),
        })
    }
}

impl Cluster {
    /// Ends a CONNECT request here: connects to a host and answers 200. `first` is written before the request's body: a
    /// header of PROXY protocol.
    pub async fn terminate(
        self: &Arc<Self>,
        host: &Arc<Host>,
        body: Body,
        first: &[u8],
        options: &SendOptions<'_>,
    ) -> Result<Answer, UpstreamError> {
        let (mut io, facts) = self.connect(host, options).await?;
        if let Err(error) = io.write_all(first).await {
            return Err(UpstreamError::sent(UpstreamErrorKind::Disconnected, error.to_string()));
        }
        let (read, write) = split(io);
        let mut upload = Box::pin(upload(body, write));
        // What is at hand goes at once: a request that is complete is known to be before its answer.
        let waits = poll_fn(|cx| Poll::Ready(upload.as_mut().poll(cx).is_pending())).await;
        let upload = waits.then(|| Upload(tokio::spawn(upload)));
        let body = Body::stream(Download { connection: read, room: BytesMut::new(), _upload: upload });
        Ok(Answer { response: Response { head: ResponseHead::new(StatusCode::OK), body }, facts })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};

    #[tokio::test]
    async fn bodies_are_the_bytes_of_a_connection() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let hosts = assignment(&[("127.0.0.1", port, 1)]);
        let cluster = apply(&json!({"name": "c", "load_assignment": hosts}), &build());
        let host = cluster.hosts()[0].clone();
        let serve = async {
            let (mut accepted, _) = server.accept().await.unwrap();
            let mut got = String::new();
            accepted.read_to_string(&mut got).await.unwrap();
            accepted.write_all(got.to_uppercase().as_bytes()).await.unwrap();
        };
        let body = Body::Full(Bytes::from_static(b"body"));
        let ask = async {
            let answer = cluster.terminate(&host, body, b"first ", &SendOptions::default()).await.unwrap();
            assert_eq!(answer.response.head.status, StatusCode::OK);
            let mut body = answer.response.body;
            body.collect(100).await.unwrap().0
        };
        let (got, ()) = tokio::join!(ask, serve);
        assert_eq!(got, "FIRST BODY");
    }
}
