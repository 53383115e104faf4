//! `tunneling_config` of a TCP proxy: the connection's bytes go through an HTTP proxy.

use http::Method;
use serde_json::{Value, json};

use crate::cluster::{Cluster, UpstreamError, UpstreamErrorKind};
use crate::http::{Headers, RequestHead, ResponseHead, Version};
use crate::proto::Reader;
use crate::route::Edits;
use crate::telemetry::format::{Format, FormatContext};

use super::Session;

/// Filter state that holds the head of the proxy's answer.
const RESPONSE_HEADERS: &str = "envoy.tcp_proxy.propagate_response_headers";
/// Filter state that holds the trailers of the proxy's answer.
const RESPONSE_TRAILERS: &str = "envoy.tcp_proxy.propagate_response_trailers";

/// What the HTTP proxy is asked for.
#[derive(Debug)]
pub(super) struct Tunneling {
    /// Host and port that it is asked to connect to.
    target: Format,
    /// Path of a POST; none: CONNECT.
    post: Option<String>,
    headers: Edits,
    keep_headers: bool,
    keep_trailers: bool,
}

impl Tunneling {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let target = match Format::parse(&reader.need_text("hostname")?) {
            Ok(target) => target,
            Err(error) => {
                reader.defect("hostname", error);
                return None;
            }
        };
        let path = reader.opt_text("post_path").filter(|path| !path.is_empty());
        let post = reader.flag("use_post");
        if path.is_some() && !post {
            reader.defect("post_path", "is only for tunnels over POST (use_post)");
        }
        Some(Self {
            target,
            post: post.then(|| path.unwrap_or_else(|| "/".into())),
            headers: Edits::additions(reader, "headers_to_add")?,
            keep_headers: reader.flag("propagate_response_headers"),
            keep_trailers: reader.flag("propagate_response_trailers"),
        })
    }

    /// The head of the request for a connection's tunnel.
    pub fn request(&self, session: &Session, cluster: &Cluster) -> RequestHead {
        let context = FormatContext::new(&session.connection, &session.info);
        let mut headers = Headers::new();
        let values = self.headers.values(&context);
        self.headers.apply(&mut headers, values);
        RequestHead {
            method: if self.post.is_some() { Method::POST } else { Method::CONNECT },
            scheme: if cluster.upstream.is_tls() { "https" } else { "http" },
            authority: self.target.text(&context),
            path: self.post.clone().unwrap_or_default(),
            upgrade: None,
            version: Version::Http11,
            headers,
        }
    }

    /// Keeps the answer's head, where that is wanted.
    pub fn answered(&self, head: &ResponseHead, session: &mut Session) {
        if self.keep_headers {
            let mut fields = vec![json!({"key": ":status", "value": head.status.as_str()})];
            fields.extend(listed(&head.headers));
            session.info.objects.insert(RESPONSE_HEADERS.into(), json!({"headers": fields}));
        }
    }

    /// Keeps the answer's trailers, where that is wanted.
    pub fn ended(&self, trailers: Option<&Headers>, session: &mut Session) {
        if let Some(trailers) = trailers.filter(|_| self.keep_trailers) {
            let fields: Vec<Value> = listed(trailers).collect();
            session.info.objects.insert(RESPONSE_TRAILERS.into(), json!({"headers": fields}));
        }
    }
}

fn listed(headers: &Headers) -> impl Iterator<Item = Value> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(move |(name, value)| json!({"key": name.as_str(), "value": text(value)}))
}

/// The proxy said no.
pub(super) fn refused(head: &ResponseHead) -> UpstreamError {
    UpstreamError::sent(UpstreamErrorKind::ConnectFailure, format!("tunnel_response:{}", head.status.as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::filters::network::TcpProxy;
    use crate::net::{Drain, Io};
    use crate::proto::{Defects, from_json};
    use crate::stream::Connection;

    async fn head(connection: &mut TcpStream) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            read.push(connection.read_u8().await.unwrap());
        }
        String::from_utf8(read).unwrap()
    }

    /// A TCP proxy whose connection is served by `answer` to each head that arrives.
    async fn through(tunneling: Value, answer: &'static str) -> (String, String, String) {
        let build = build();
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        apply(&json!({"name": "c", "load_assignment": assignment(&[("127.0.0.1", port, 1)])}), &build);
        let config = json!({"stat_prefix": "p", "cluster": "c", "tunneling_config": tunneling});
        let message = from_json("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", &config).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "", &defects);
        let proxy = TcpProxy::read(&reader, &build);
        drop(reader);
        let proxy = Arc::new(defects.verdict(proxy).unwrap());
        let (mut client, io) = duplex(1000);
        let connection = Connection::plain("10.0.0.1:80".parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        let serve = proxy.serve(Io::Memory(io), Session::new(connection), Drain::never());
        let proxied = async {
            let (mut accepted, _) = server.accept().await.unwrap();
            let asked = head(&mut accepted).await;
            accepted.write_all(answer.as_bytes()).await.unwrap();
            let mut got = String::new();
            if !answer.contains(" 403 ") {
                accepted.read_to_string(&mut got).await.unwrap();
            }
            accepted.write_all(b"bye").await.unwrap();
            (asked, got)
        };
        let talk = async {
            let _ = client.write_all(b"hello").await;
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            let _ = client.read_to_string(&mut answer).await;
            answer
        };
        let ((asked, got), said, ()) = tokio::join!(proxied, talk, serve);
        (asked, got, said)
    }

    #[tokio::test]
    async fn bytes_go_through_connect_in_both_directions() {
        let config = json!({"hostname": "%DOWNSTREAM_LOCAL_ADDRESS%",
            "headers_to_add": [{"header": {"key": "x-from", "value": "%DOWNSTREAM_REMOTE_ADDRESS%"}}]});
        let (asked, got, said) = through(config, "HTTP/1.1 200 OK\r\n\r\nfirst ").await;
        assert_eq!(asked, "CONNECT 10.0.0.1:80 HTTP/1.1\r\nhost: 10.0.0.1:80\r\nx-from: 127.0.0.1:1\r\n\r\n");
        assert_eq!((got.as_str(), said.as_str()), ("hello", "first bye"));
    }

    #[tokio::test]
    async fn a_refusal_ends_the_connection() {
        let (_, got, said) = through(json!({"hostname": "h:1"}), "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!((got.as_str(), said.as_str()), ("", ""));
    }
}
