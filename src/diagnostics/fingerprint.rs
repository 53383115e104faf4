//! What stays the same about a finding when lines move: its code, object, file and sentence.

use std::collections::HashMap;

use super::Diagnostic;
use crate::dialects::model::Model;

/// The identity of a finding in an earlier or later run. Equal findings of one run are counted, so that each has its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// 16 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives fingerprints to the findings of one run, in their order.
#[derive(Debug, Default)]
pub struct Fingerprints {
    seen: HashMap<u64, u32>,
}

impl Fingerprints {
    /// The fingerprint of the next finding.
    pub fn next(&mut self, model: &Model, finding: &Diagnostic) -> Fingerprint {
        let file = shown_file(model, finding);
        let resource = finding.resource.as_ref().map(ToString::to_string).unwrap_or_default();
        let cluster = finding.resource.as_ref().and_then(|r| r.cluster.as_deref()).unwrap_or_default();
        let parts = [finding.code.code, cluster, &resource, &file, &finding.message];
        let hash = parts.iter().fold(FNV_BASIS, |hash, part| fnv(fnv(hash, part.as_bytes()), &[0xff]));
        let count = self.seen.entry(hash).or_default();
        *count += 1;
        Fingerprint(format!("{:016x}", fnv(hash, &count.to_le_bytes())))
    }
}

/// The name of a finding's file as it is stored, empty when the finding has no place.
pub(super) fn shown_file(model: &Model, finding: &Diagnostic) -> String {
    finding.at.map_or_else(String::new, |at| normal_name(&model.sources.get(at.file).name))
}

/// `k8s/a.yaml`, also for `./k8s/a.yaml` and `k8s\a.yaml`.
pub(super) fn normal_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}

/// Offset basis of the 64-bit Fowler/Noll/Vo hash.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: written out here because std's hashes may change between releases and this one is stored in files.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv(FNV_BASIS, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(FNV_BASIS, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(FNV_BASIS, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
