//! Upgrades that a route allows or forbids.

use http::Method;

use crate::cluster::pool::ProxyHeader;
use crate::proto::Reader;

/// How CONNECT requests end here: `ConnectConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The header of PROXY protocol that a connection begins with.
    pub header: Option<ProxyHeader>,
    /// POST requests end here, too.
    pub allow_post: bool,
}

/// `UpgradeConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// `websocket`, `CONNECT`, in whatever case.
    pub kind: String,
    /// Whether it is allowed.
    pub enabled: bool,
    /// Requests are not forwarded; their bytes go to a TCP connection.
    pub connect: Option<Connect>,
}

impl Upgrade {
    /// Reads the field `upgrade_configs` of a `RouteAction`.
    pub fn read_all(reader: &Reader<'_>) -> Option<Vec<Self>> {
        let list = reader.list("upgrade_configs");
        let mut all: Vec<Self> = Vec::new();
        for entry in &list {
            let upgrade = Self::read(entry)?;
            if all.iter().any(|other| other.kind.eq_ignore_ascii_case(&upgrade.kind)) {
                entry.defect("upgrade_type", format!("{:?} stands there twice", upgrade.kind));
            }
            all.push(upgrade);
        }
        Some(all)
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.need_text("upgrade_type")?;
        if is_udp(&kind) {
            reader.ignore(&["connect_config", "enabled"]);
            reader.defect("upgrade_type", NO_UDP);
            return None;
        }
        let connect = reader.message("connect_config").and_then(|connect| Connect::read(&connect));
        if reader.has("connect_config") && !kind.eq_ignore_ascii_case("CONNECT") {
            reader.defect("connect_config", format!("is for CONNECT, not for {kind}"));
        }
        Some(Self { kind, enabled: reader.opt_flag("enabled").unwrap_or(true), connect })
    }
}

impl Connect {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let header = match reader.message("proxy_protocol_config") {
            Some(config) => Some(ProxyHeader::read_config(&config)?),
            None => None,
        };
        Some(Self { header, allow_post: reader.flag("allow_post") })
    }

    /// Whether a request of that method ends here.
    pub fn takes(&self, method: &Method) -> bool {
        *method == Method::CONNECT || self.allow_post && *method == Method::POST
    }
}

/// What is said of CONNECT-UDP.
pub const NO_UDP: &str = "the proxy does not have CONNECT-UDP";

/// Whether an upgrade is CONNECT-UDP.
pub fn is_udp(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("CONNECT-UDP")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defects, from_json};

    fn read(upgrades: &Value) -> Result<Vec<Upgrade>, String> {
        let defects = Defects::new();
        let message = from_json("envoy.config.route.v3.RouteAction", &json!({"upgrade_configs": upgrades}))?;
        let reader = Reader::new(message, "", &defects);
        let all = Upgrade::read_all(&reader);
        drop(reader);
        defects.verdict(all).map_err(|defects| defects[0].to_string())
    }

    #[test]
    fn connect_may_end_here() {
        let all = read(&json!([
            {"upgrade_type": "websocket"},
            {"upgrade_type": "connect", "connect_config": {"allow_post": true, "proxy_protocol_config": {"version": "V2"}}},
        ]));
        let connect = all.unwrap()[1].connect.clone().unwrap();
        assert!(connect.header.is_some());
        assert!(connect.takes(&Method::CONNECT) && connect.takes(&Method::POST) && !connect.takes(&Method::GET));
        let only_connect = read(&json!([{"upgrade_type": "CONNECT", "connect_config": {}}])).unwrap();
        assert!(!only_connect[0].connect.as_ref().unwrap().takes(&Method::POST));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let defect = |upgrades: &Value| read(upgrades).unwrap_err();
        let other = defect(&json!([{"upgrade_type": "websocket", "connect_config": {}}]));
        assert!(other.starts_with("upgrade_configs[0].connect_config: is for CONNECT"), "{other}");
        let udp = defect(&json!([{"upgrade_type": "CONNECT-UDP", "connect_config": {}}]));
        assert_eq!(udp, format!("upgrade_configs[0].upgrade_type: {NO_UDP}"));
        let twice = defect(&json!([{"upgrade_type": "a"}, {"upgrade_type": "A"}]));
        assert!(twice.starts_with("upgrade_configs[1].upgrade_type"), "{twice}");
    }
}
