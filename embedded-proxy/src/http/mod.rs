//! HTTP messages as the data path holds them, whatever version they came in.

mod body;
pub mod h2;
/// HTTP/1.
pub mod h1;
mod headers;
mod message;
mod reply;
mod tap;

pub use body::{Body, BodyStream, Frame, StreamError};
pub use headers::Headers;
pub use message::{Request, RequestHead, Response, ResponseHead, Version};
pub use reply::{Reply, grpc_status, http_status};
