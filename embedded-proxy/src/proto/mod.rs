//! Envoy's messages, read by name: descriptors, a reader that notices what nobody took, and the defects it finds.

mod any;
mod defect;
mod fingerprint;
mod pool;
mod reader;
mod scalar;
mod source;
mod validate;

pub use any::{ANY, Typed};
pub use defect::{Defect, Defects};
pub use fingerprint::{fingerprint, fingerprint_of};
pub use pool::{decode, descriptor, from_json, release, to_json};
pub use reader::Reader;
pub use scalar::Fraction;
pub use validate::{read_after, read_checked, validate};
