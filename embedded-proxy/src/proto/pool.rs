//! Descriptors of the messages the proxy can read, kept only while something reads.
//!
//! The set is made from the `.proto` files of the envoy-types crate and from `proto/` of this crate; a test rebuilds
//! and compares it. Decoded it takes a few megabytes, so it is dropped when the last reader lets go of it.

use std::io::Read as _;

use flate2::read::GzDecoder;
use parking_lot::Mutex;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};

/// The descriptor set, compressed. `tests/descriptors.rs` writes it.
static SET: &[u8] = include_bytes!("../../proto/envoy.binpb.gz");

static POOL: Mutex<Option<DescriptorPool>> = Mutex::new(None);

fn pool() -> Result<DescriptorPool, String> {
    let mut held = POOL.lock();
    if let Some(pool) = &*held {
        return Ok(pool.clone());
    }
    let pool = apart(read)?;
    *held = Some(pool.clone());
    Ok(pool)
}

fn read() -> Result<DescriptorPool, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("the built-in descriptors are damaged: {error}");
    let mut bytes = Vec::new();
    GzDecoder::new(SET).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
    DescriptorPool::decode(bytes.as_slice()).map_err(|error| damaged(&error))
}

/// Runs `work` on a thread that ends with it. The allocator gives a thread an arena and a cache of its own: what is made
/// there does not lie between things that stay, and what is freed there is free at once, so whole pages go back.
fn apart<T: Send>(work: impl Fn() -> T + Send + Sync) -> T {
    let elsewhere = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("proxy-descriptors".into()).spawn_scoped(scope, &work);
        thread.ok().and_then(|thread| thread.join().ok())
    });
    elsewhere.unwrap_or_else(work)
}

/// Lets go of the descriptors; the next reading decodes them again (about 10 ms). Call it when configuration is quiet.
pub fn release() {
    apart(|| {
        POOL.lock().take();
        super::validate::release();
    });
}

/// The descriptor of a message by its full name (`envoy.config.cluster.v3.Cluster`); none when the proxy does not know it.
pub fn descriptor(name: &str) -> Option<MessageDescriptor> {
    pool().ok()?.get_message_by_name(name)
}

fn known(name: &str) -> Result<MessageDescriptor, String> {
    pool()?.get_message_by_name(name).ok_or_else(|| format!("the proxy does not know the message {name}"))
}

/// A message from its protobuf bytes.
pub fn decode(name: &str, bytes: &[u8]) -> Result<DynamicMessage, String> {
    DynamicMessage::decode(known(name)?, bytes).map_err(|error| format!("not a {name}: {error}"))
}

/// A message from protobuf JSON; unknown fields and wrong types are errors that start with the path of the field.
pub fn from_json(name: &str, value: &serde_json::Value) -> Result<DynamicMessage, String> {
    let descriptor = known(name)?;
    let mut track = serde_path_to_error::Track::new();
    let read = {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        DynamicMessage::deserialize_with_options(descriptor, tracked, &options)
    };
    read.map_err(|error| format!("{}: {error}", track.path()))
}

/// A message as protobuf JSON with the field names of the `.proto` file, as Envoy's admin writes it.
/// An `Any` of an unknown type becomes its type URL and base64 bytes.
pub fn to_json(message: &DynamicMessage) -> serde_json::Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }))
}
