//! Upgrades that a route allows or forbids, and what it does with CONNECT.

use crate::proto::Reader;

/// `UpgradeConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// `websocket`, `CONNECT`, in whatever case.
    pub kind: String,
    /// Whether it is allowed.
    pub enabled: bool,
    /// Whether a CONNECT is ended here and its payload goes to the cluster as plain TCP.
    pub terminate: bool,
    /// Whether POST is taken for CONNECT too.
    pub allow_post: bool,
}

impl Upgrade {
    /// Reads the field `upgrade_configs` of a `RouteAction`.
    pub fn read_all(reader: &Reader<'_>) -> Option<Vec<Self>> {
        let all: Vec<_> = reader.list("upgrade_configs").iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.need_text("upgrade_type")?;
        let connect = reader.message("connect_config");
        if connect.is_some() && !kind.eq_ignore_ascii_case("CONNECT") {
            reader.defect("connect_config", "is only for the upgrade type CONNECT");
        }
        let allow_post = connect.as_ref().is_some_and(|connect| connect.flag("allow_post"));
        Some(Self {
            kind,
            enabled: reader.opt_flag("enabled").unwrap_or(true),
            terminate: connect.is_some(),
            allow_post,
        })
    }
}
