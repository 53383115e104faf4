//! `/listeners`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Admin, Call, Page};
use crate::net::Address;

/// Listeners that serve, with the addresses they are bound to.
pub(super) fn answer(admin: &Admin, call: &Call) -> Page {
    let listeners = admin.services.listeners.all();
    let listeners = listeners.iter().filter(|view| !view.warming);
    if call.parameter("format") == Some("json") {
        let statuses = listeners.filter_map(|view| {
            let mut addresses = view.addresses.iter().map(Address::to_json);
            let mut status = json!({"name": &*view.config.name, "local_address": addresses.next()?});
            let more: Vec<Value> = addresses.collect();
            if !more.is_empty() {
                status["additional_local_addresses"] = more.into();
            }
            Some(status)
        });
        return Page::json(&json!({ "listener_statuses": statuses.collect::<Vec<_>>() }));
    }
    let mut out = String::new();
    for view in listeners {
        for address in &view.addresses {
            let _ = writeln!(out, "{}::{address}", view.config.name);
        }
    }
    Page::text(200, out)
}
