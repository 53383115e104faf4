//! HTTP/1.0 and 1.1 on both sides of the proxy: heads parsed where they lie, bodies as they arrive.

mod client;
mod deadline;
mod decode;
mod download;
mod encode;
mod fields;
mod input;
mod out;
mod request_head;
mod response_head;
mod server;
mod target;
mod upload;
mod wire;

pub use client::{Client, ClientOptions, Guard, Home};
pub use server::serve;

#[cfg(test)]
mod tests;
