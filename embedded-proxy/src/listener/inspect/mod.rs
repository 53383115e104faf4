//! What is found out about a connection before a filter chain takes it: pure functions over its first bytes.

pub mod client_hello;
pub mod http;
pub mod proxy_protocol;
