//! Any JSON is taken as a bootstrap or refused with defects: no panic.
#![no_main]

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::Server;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    if let Ok(bootstrap) = Bootstrap::from_json(&value) {
        let _ = Server::validate(&bootstrap);
    }
});
