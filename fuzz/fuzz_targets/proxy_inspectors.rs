//! The first bytes of a connection, whatever they are: inspectors answer and never panic.
#![no_main]

use embedded_proxy::listener::inspect::{client_hello, http, proxy_protocol};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = client_hello::inspect(bytes, 16 * 1024);
    let _ = http::inspect(bytes);
    let _ = proxy_protocol::inspect(bytes);
});
