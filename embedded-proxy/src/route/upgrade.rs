//! Upgrades that a route allows or forbids.

use crate::proto::Reader;

/// `UpgradeConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// `websocket`, `CONNECT`, in whatever case.
    pub kind: String,
    /// Whether it is allowed.
    pub enabled: bool,
}

impl Upgrade {
    /// Reads the field `upgrade_configs` of a `RouteAction`.
    pub fn read_all(reader: &Reader<'_>) -> Option<Vec<Self>> {
        let all: Vec<_> = reader.list("upgrade_configs").iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.need_text("upgrade_type")?;
        if reader.has("connect_config") {
            reader.defect("connect_config", "the proxy does not end CONNECT requests itself, it forwards them");
        }
        Some(Self { kind, enabled: reader.opt_flag("enabled").unwrap_or(true) })
    }
}
