//! Resources in files: a discovery response as JSON, YAML or protobuf, read again when it changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use prost_reflect::{DynamicMessage, Value};

use super::Kind;
use super::delivered::{Delivered, InUse, Opened, Take, sentence};
use crate::proto::{decode, from_json};

/// How often files are looked at.
const POLL: Duration = Duration::from_secs(1);

const RESPONSE: &str = "envoy.service.discovery.v3.DiscoveryResponse";

/// A file that is watched for one kind of resources.
pub(super) struct File<T> {
    pub kind: Kind,
    pub path: PathBuf,
    /// The directory to watch instead, when links are swapped in it.
    pub directory: Option<PathBuf>,
    pub taker: T,
    pub in_use: InUse,
}

/// What tells that a file changed: time and size of the file, and of the directory around it.
type Stamp = Vec<Option<(SystemTime, u64)>>;

impl<T: Take> File<T> {
    /// Reads the file and each of its changes, for ever. `taken` is told after each reading.
    pub async fn run(mut self, taken: impl Fn(Kind, Result<String, String>)) {
        let mut last: Option<Stamp> = None;
        loop {
            let paths = [Some(self.path.clone()), self.directory.clone()];
            let stamp: Stamp = paths.iter().flatten().map(|path| stamp(path)).collect();
            if last.as_ref() != Some(&stamp) {
                last = Some(stamp);
                taken(self.kind, self.read());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Reads the file once: its version, or why it was refused.
    pub fn read(&mut self) -> Result<String, String> {
        let bytes = std::fs::read(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))?;
        let response = parse(&self.path, bytes).map_err(|error| format!("{}: {error}", self.path.display()))?;
        let (version, resources) = resources(&response, self.kind)?;
        let names: BTreeSet<String> = resources.iter().map(|resource| resource.name.clone()).collect();
        let opened = resources.into_iter().map(Opened::Resource).collect();
        if self.kind == Kind::Listener {
            self.in_use.keep_only(self.kind, &names, &mut self.taker);
        }
        let refused = self.in_use.offer(self.kind, opened, &mut self.taker);
        if self.kind == Kind::Cluster {
            self.in_use.keep_only(self.kind, &names, &mut self.taker);
        }
        if refused.is_empty() { Ok(version) } else { Err(sentence(self.kind, &refused)) }
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The response in a file, by the ending of its name as Envoy has it.
fn parse(path: &Path, bytes: Vec<u8>) -> Result<DynamicMessage, String> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("pb" | "pb_bin") => decode(RESPONSE, &bytes),
        Some("json") => from_json(RESPONSE, &serde_json::from_slice(&bytes).map_err(|error| error.to_string())?),
        Some("yaml" | "yml") => {
            let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_string())?;
            from_json(RESPONSE, &yaml(&text)?)
        }
        _ => Err("must end in .yaml, .json, .pb or .pb_bin, so that its format is known".into()),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "manifests belong to meshctl; a discovery response has no kubectl to please"
)]
fn yaml(text: &str) -> Result<serde_json::Value, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Version and resources of a response.
fn resources(response: &DynamicMessage, kind: Kind) -> Result<(String, Vec<Delivered>), String> {
    let version = response.get_field_by_name("version_info");
    let version = version.and_then(|version| version.as_str().map(str::to_string)).unwrap_or_default();
    let list = response.get_field_by_name("resources");
    let list = list.as_ref().and_then(|list| list.as_list()).unwrap_or_default();
    let mut resources = Vec::new();
    for (index, any) in list.iter().enumerate() {
        let at = |error: String| format!("resources[{index}]: {error}");
        let message = any.as_message().ok_or_else(|| at("is no message".into()))?;
        let text = |field: &str| {
            let value = message.get_field_by_name(field)?;
            value.as_str().map(str::to_string)
        };
        let bytes = message.get_field_by_name("value").map(std::borrow::Cow::into_owned);
        let Some(Value::Bytes(bytes)) = bytes else { return Err(at("is empty".into())) };
        let any = envoy_types::pb::google::protobuf::Any {
            type_url: text("type_url").unwrap_or_default(),
            value: Bytes::into(bytes),
        };
        match super::delivered::open(any, kind, &version).map_err(at)? {
            Opened::Resource(resource) => resources.push(resource),
            Opened::Heartbeat(name, _) => return Err(at(format!("{name:?} has no content"))),
        }
    }
    Ok((version, resources))
}
