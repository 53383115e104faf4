//! Updates of every kind while requests are in flight: none is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::Kind;
use super::client_tests::{end, eventually, http_listener, start};
use super::fake::{ControlPlane, Stream, bootstrap, eds_cluster, endpoints, whole};

/// Connections that ask all the time. Each request takes 20 ms at the origin: 500 a second.
const CLIENTS: usize = 10;

/// An origin that takes its time and says its name.
async fn origin(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                while head(&mut connection).await.is_some() {
                    sleep(Duration::from_millis(20)).await;
                    let answer = format!("HTTP/1.1 200 OK\r\nx-origin: {name}\r\ncontent-length: 0\r\n\r\n");
                    connection.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

/// A head; none when the connection ends.
async fn head(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// What the clients saw.
#[derive(Default)]
struct Seen {
    answers: AtomicUsize,
    /// The origin that answered last.
    last: Mutex<String>,
    failures: Mutex<Vec<String>>,
}

impl Seen {
    /// Waits until an origin answers, and then some more answers.
    async fn reaches(&self, origin: &str) {
        eventually(&format!("{origin} answers"), || *self.last.lock() == origin).await;
        let now = self.answers.load(Ordering::Relaxed);
        eventually("traffic goes on", || self.answers.load(Ordering::Relaxed) > now + 2 * CLIENTS).await;
        assert_eq!(*self.failures.lock(), Vec::<String>::new());
    }
}

/// Asks over one connection for ever.
async fn client(to: SocketAddr, seen: Arc<Seen>) {
    let mut connection = TcpStream::connect(to).await.unwrap();
    loop {
        connection.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        match head(&mut connection).await {
            Some(head) if head.starts_with("HTTP/1.1 200 ") && !head.contains("connection: close") => {
                let name = head.lines().find_map(|line| line.strip_prefix("x-origin: ")).unwrap();
                *seen.last.lock() = name.to_string();
                seen.answers.fetch_add(1, Ordering::Relaxed);
            }
            other => return seen.failures.lock().push(format!("{other:?}")),
        }
    }
}

/// Routes that send everything to a cluster.
fn routes(cluster: &str) -> Value {
    json!({ "name": "routes", "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
        "match": { "prefix": "/" }, "route": { "cluster": cluster },
    }] }] })
}

/// A control plane's stream, each of whose responses is taken.
struct Feed(Stream<DiscoveryRequest, DiscoveryResponse>, usize);

impl Feed {
    async fn give(&mut self, kind: Kind, resources: &[Value]) {
        self.1 += 1;
        let response = whole(kind, &self.1.to_string(), resources);
        let nonce = response.nonce.clone();
        self.0.respond(response);
        loop {
            let request = self.0.about(kind).await;
            if request.response_nonce == nonce {
                assert_eq!(request.error_detail, None);
                return;
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_while_the_configuration_changes_under_load() {
    let (first, second) = (origin("first").await, origin("second").await);
    let mut control = ControlPlane::start("127.0.0.1:0".parse().unwrap());
    let server = start(&bootstrap(control.address, "GRPC"));
    let mut feed = Feed(control.stream().await, 0);
    let both = |to| [endpoints("shop", to), endpoints("other", second)];
    let clusters = |timeout: &str| {
        ["shop", "other"].map(|name| {
            let mut cluster = eds_cluster(name);
            cluster["connect_timeout"] = timeout.into();
            cluster
        })
    };
    feed.give(Kind::Cluster, &clusters("1s")).await;
    feed.give(Kind::Endpoint, &both(first)).await;
    feed.give(Kind::Listener, &[http_listener("in", "routes")]).await;
    feed.give(Kind::Route, &[routes("shop")]).await;
    eventually("the listener is open", || server.address("in").is_some()).await;
    let seen = Arc::new(Seen::default());
    let to = server.address("in").unwrap();
    let load: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client(to, seen.clone()))).collect();
    seen.reaches("first").await;

    // Endpoints: those that are removed finish what they have.
    for (to, name) in [(second, "second"), (first, "first"), (second, "second"), (first, "first")] {
        feed.give(Kind::Endpoint, &both(to)).await;
        seen.reaches(name).await;
    }
    // Clusters: another version takes over with the endpoints of the last.
    for timeout in ["2s", "3s", "2s"] {
        feed.give(Kind::Cluster, &clusters(timeout)).await;
        feed.give(Kind::Endpoint, &both(first)).await;
        seen.reaches("first").await;
    }
    // Routes: to another cluster and back.
    for (cluster, name) in [("other", "second"), ("shop", "first")] {
        feed.give(Kind::Route, &[routes(cluster)]).await;
        seen.reaches(name).await;
    }
    // The control plane goes and comes back with news.
    let address = control.address;
    drop((feed, control));
    seen.reaches("first").await;
    let mut control = ControlPlane::start(address);
    let mut feed = Feed(control.stream().await, 100);
    seen.reaches("first").await;
    feed.give(Kind::Endpoint, &both(second)).await;
    seen.reaches("second").await;
    for task in load {
        assert!(!task.is_finished(), "every client still asks over its first connection");
        task.abort();
    }
    end(server).await;
}
