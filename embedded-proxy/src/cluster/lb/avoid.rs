//! Hosts that a retry would rather not have: `retry_host_predicate`.

use serde_json::Value;

use crate::cluster::Host;
use crate::net::Address;

/// What to avoid.
#[derive(Debug, Clone, Copy, Default)]
pub struct Avoid<'c> {
    /// Hosts that earlier attempts used.
    pub hosts: &'c [Address],
    /// Hosts whose metadata say that they are canaries.
    pub canaries: bool,
    /// Hosts whose metadata have all of these values under `envoy.lb`; a list has each of its values. Empty: none.
    pub metadata: &'c [(String, Value)],
}

impl Avoid<'_> {
    /// Whether the host is to be avoided.
    pub fn rejects(&self, host: &Host) -> bool {
        self.hosts.contains(&host.address)
            || self.canaries && is(host, "canary", &Value::Bool(true))
            || !self.metadata.is_empty() && self.metadata.iter().all(|(key, wanted)| is(host, key, wanted))
    }
}

fn is(host: &Host, key: &str, wanted: &Value) -> bool {
    let metadata = host.metadata();
    match metadata.get("envoy.lb").and_then(|lb| lb.get(key)) {
        Some(Value::Array(values)) => values.contains(wanted),
        Some(value) => value == wanted,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{apply, build};

    #[tokio::test]
    async fn every_predicate_rejects_its_hosts() {
        let endpoint = |port: u16, metadata: Value| {
            json!({"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": port}}},
                   "metadata": {"filter_metadata": {"envoy.lb": metadata}}})
        };
        let hosts = [
            endpoint(1, json!({})),
            endpoint(2, json!({"canary": true})),
            endpoint(3, json!({"stage": ["old", "new"], "v": 1})),
        ];
        let assignment = json!({"cluster_name": "c", "endpoints": [{"lb_endpoints": hosts}]});
        let cluster = apply(&json!({"name": "c", "load_assignment": assignment}), &build());
        let rejected = |avoid: Avoid<'_>| -> Vec<u16> {
            let hosts = cluster.hosts();
            hosts.iter().filter(|host| avoid.rejects(host)).map(|host| host.address.port().unwrap()).collect()
        };
        let tried = [Address::Ip("10.0.0.1:1".parse().unwrap())];
        assert_eq!(rejected(Avoid { hosts: &tried, ..Avoid::default() }), [1]);
        assert_eq!(rejected(Avoid { canaries: true, ..Avoid::default() }), [2]);
        let both = [("stage".to_string(), json!("old")), ("v".to_string(), json!(1.0))];
        assert_eq!(rejected(Avoid { metadata: &both, ..Avoid::default() }), [3]);
        let other = [both[0].clone(), ("v".to_string(), json!(2.0))];
        assert!(rejected(Avoid { metadata: &other, ..Avoid::default() }).is_empty());
        assert!(rejected(Avoid::default()).is_empty());
    }
}
