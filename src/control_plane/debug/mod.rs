//! Pages for people and tools, on loopback: what is served to whom, and why. Keys are on no page.

mod dump;
mod pages;
mod prometheus;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;

use super::ads::Ads;
use super::ca::Ca;

/// The pages.
#[derive(Debug, Clone)]
pub struct Debug {
    ads: Arc<Ads>,
    ca: Arc<Ca>,
}

/// What a page is asked for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// The node id, or its beginning `POD.NAMESPACE`.
    #[serde(alias = "proxyId", alias = "proxyid", rename = "proxyID")]
    proxy: Option<String>,
}

impl Debug {
    /// Pages about these.
    pub fn new(ads: Arc<Ads>, ca: Arc<Ca>) -> Self {
        Self { ads, ca }
    }

    /// Serves them until the future is dropped.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self.router()).await
    }

    fn router(self) -> Router {
        Router::new()
            .route("/debug/syncz", get(|State(at): State<Self>| async move { json(&pages::syncz(&at.ads)) }))
            .route("/debug/registryz", get(|State(at): State<Self>| async move { json(&pages::registryz(&at.ads)) }))
            .route("/debug/configz", get(|State(at): State<Self>| async move { json(&pages::configz(&at.ads)) }))
            .route("/debug/adsz", get(|State(at): State<Self>| async move { json(&pages::adsz(&at.ads)) }))
            .route("/debug/endpointz", get(|State(at): State<Self>| async move { json(&pages::endpointz(&at.ads)) }))
            .route(
                "/debug/authorizationz",
                get(|State(at): State<Self>| async move { json(&pages::authorizationz(&at.ads)) }),
            )
            .route("/debug/config_dump", get(config_dump))
            .route("/debug/roots", get(|State(at): State<Self>| async move { at.ca.authority.roots().to_owned() }))
            .route("/metrics", get(|State(at): State<Self>| async move { prometheus::text(&at.ads) }))
            .route("/ready", get(|| async { "" }))
            .with_state(self)
    }
}

async fn config_dump(State(at): State<Debug>, Query(asked): Query<Asked>) -> Response {
    let Some(proxy) = asked.proxy else {
        return (StatusCode::BAD_REQUEST, "which proxy? add ?proxyID=POD.NAMESPACE\n").into_response();
    };
    match dump::config_dump(&at.ads, &proxy) {
        Some(dump) => json(&dump),
        None => (StatusCode::NOT_FOUND, "no such proxy is connected\n").into_response(),
    }
}

fn json(value: &serde_json::Value) -> Response {
    let text = format!("{value:#}\n");
    ([("content-type", "application/json")], text).into_response()
}
