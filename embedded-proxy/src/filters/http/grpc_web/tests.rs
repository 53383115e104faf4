//! Calls of browsers, in both forms.

use serde_json::json;

use super::*;
use crate::filters::http::testing;

fn filter() -> Arc<dyn HttpFilter> {
    testing::filter("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", &json!({})).ok().unwrap()
}

fn trailers() -> Headers {
    let mut trailers = Headers::new();
    trailers.add(GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

async fn answer(exchange: &mut Exchange, status: u16, kind: &'static str, body: Body) -> Response {
    let filter = filter();
    let mut head = crate::http::ResponseHead::new(StatusCode::from_u16(status).unwrap());
    head.headers.add(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let mut response = Response { head, body };
    if let Some(wait) = filter.wait_response(exchange, &mut response) {
        wait.await;
    }
    filter.on_response(exchange, &mut response);
    response
}

async fn called(kind: &str, accept: &str, body: Body) -> Result<Exchange, Box<Reply>> {
    let fields = [("content-type", kind), ("accept", accept), ("content-length", "8")];
    let mut exchange = testing::exchange("POST", "/shop.Cart/Add", &fields);
    exchange.request.body = body;
    testing::request(&*filter(), &mut exchange).await?;
    Ok(exchange)
}

#[tokio::test]
async fn a_binary_call_becomes_grpc_and_its_trailers_a_message() {
    let mut exchange = called("application/grpc-web", "", Body::Empty).await.unwrap();
    let headers = &exchange.request.head.headers;
    assert_eq!(headers.text(&header::CONTENT_TYPE), Some("application/grpc"));
    assert_eq!(headers.text(&header::TE), Some("trailers"));
    assert!(!headers.has(&header::CONTENT_LENGTH));
    let body = Body::ended(Bytes::from_static(b"\0\0\0\0\x01x"), Some(trailers()));
    let mut response = answer(&mut exchange, 200, "application/grpc", body).await;
    assert_eq!(response.head.headers.text(&header::CONTENT_TYPE), Some("application/grpc-web+proto"));
    let (bytes, _) = response.body.collect(100).await.unwrap();
    assert_eq!(&bytes[..], b"\0\0\0\0\x01x\x80\0\0\0\x0fgrpc-status:0\r\n");
}

#[tokio::test]
async fn a_text_call_is_decoded_and_answered_in_text() {
    let body = testing::pieces(&["AAAA", "AAFh"]);
    let mut exchange = called("application/grpc-web-text", "application/grpc-web-text", body).await.unwrap();
    assert_eq!(exchange.request.body.collect(9).await.unwrap().0, Bytes::from_static(b"\0\0\0\0\x01a"));
    let body = Body::ended(Bytes::from_static(b"\0\0\0\0\x01a"), Some(trailers()));
    let mut response = answer(&mut exchange, 200, "application/grpc", body).await;
    let (bytes, _) = response.body.collect(100).await.unwrap();
    assert_eq!(&bytes[..], b"AAAAAAFhgAAAAA9ncnBjLXN0YXR1czowDQo=");
}

#[tokio::test]
async fn what_is_no_base64_is_refused() {
    for (body, details) in [("AAAAA", "grpc_base_64_decode_failed_bad_size"), ("AA*A", "grpc_base_64_decode_failed")] {
        let mut exchange = testing::exchange("POST", "/shop.Cart/Add", &[]);
        exchange.request.body = Bytes::from(body).into();
        let reply = decode(&mut exchange).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.details.as_str()), (400, details));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_grpc_is_told_in_the_head() {
    let mut exchange = called("application/grpc-web", "", Body::Empty).await.unwrap();
    let response = answer(&mut exchange, 503, "text/plain", Bytes::from_static(b"a%b").into()).await;
    let headers = &response.head.headers;
    assert_eq!((headers.text(&GRPC_STATUS), headers.text(&GRPC_MESSAGE)), (Some("14"), Some("a%25b")));
    assert!(response.body.is_empty());
}

#[tokio::test]
async fn other_requests_pass() {
    let mut exchange = called("application/json", "", Body::Empty).await.unwrap();
    assert_eq!(exchange.request.head.headers.text(&header::CONTENT_TYPE), Some("application/json"));
    let response = answer(&mut exchange, 200, "text/html", Body::Empty).await;
    assert_eq!(response.head.headers.text(&header::CONTENT_TYPE), Some("text/html"));
}
