//! Small parts of Envoy's messages that many resources need.

mod address;
mod map;
mod metadata;
mod text;
mod value;

pub use address::{cidr, endpoint_address, socket};
pub use map::ordered;
pub use metadata::{api_path, of_origin, text_struct};
pub use text::{regex, template, text_match};
pub use value::{any, boolean, duration, fraction, number, runtime_fraction, wide_number};
