//! HTTP messages as the data path holds them, whatever version they came in.

pub mod auto;
mod body;
/// HTTP/1.
pub mod h1;
pub mod h2;
mod headers;
mod message;
mod reply;
mod tap;
mod tunnel;
mod until;

pub use body::{Body, BodyStream, Frame, StreamError};
pub use headers::Headers;
pub use message::{Request, RequestHead, Response, ResponseHead, Version};
pub use reply::{Reply, grpc_status, http_status, percent_encode};
pub use tunnel::{Opening, Tunnel};
