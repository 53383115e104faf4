//! The pages for people.

use std::sync::Arc;

use meshctl::control_plane::ca::{Authority, Ca, Tokens};
use meshctl::control_plane::debug::Debug;
use meshctl::xds::Kind;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Delta, productpage};
use super::plane::{BOOKINFO, Plane};

async fn page(address: std::net::SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test]
async fn pages_tell_who_has_what_and_why() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let ca = Ca { authority: Authority::in_memory("cluster.local").unwrap(), tokens: Tokens::new().unwrap() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Debug::new(Arc::clone(&plane.ads), Arc::new(ca)).serve(listener));
    let mut client = Delta::open(plane.address, productpage()).await;
    client.ask(Kind::Cluster, &[]);
    let response = client.next().await;
    client.answer(&response, Some("no"));
    assert!(client.silent().await);
    let json = async |path: &str| -> Value {
        let (status, body) = page(address, path).await;
        assert!(status.contains("200"), "{path}: {status}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    };
    let syncz = json("/debug/syncz").await;
    assert_eq!(syncz[0]["proxy"], "productpage-v1-abc-def.default");
    assert_eq!((&syncz[0]["cluster_sent"], &syncz[0]["cluster_acked"]), (&"1".into(), &"".into()));
    assert_eq!(syncz[0]["refused"]["CDS"]["error"], "no");
    assert_eq!(json("/debug/adsz").await["totalClients"], 1);
    assert_eq!(json("/debug/registryz").await.as_array().unwrap().len(), 4);
    assert_eq!(json("/debug/endpointz").await.as_array().unwrap().len(), 4);
    assert_eq!(
        json("/debug/configz").await["configs"].as_array().unwrap().len(),
        plane.engine.with_model(|model| model.metas().count())
    );
    assert!(json("/debug/authorizationz").await["policies"].is_array());
    let dump = json("/debug/config_dump?proxyID=productpage-v1-abc-def.default").await;
    assert!(dump["configs"][0]["dynamic_active_clusters"].as_array().unwrap().len() > 4);
    assert!(!dump.to_string().contains("PRIVATE"));
    assert!(page(address, "/debug/config_dump?proxyID=nobody").await.0.contains("404"));
    assert!(page(address, "/ready").await.0.contains("200"));
    let metrics = page(address, "/metrics").await.1;
    assert!(metrics.contains("pilot_total_xds_rejects{type=\"cds\"} 1\n"), "{metrics}");
}
