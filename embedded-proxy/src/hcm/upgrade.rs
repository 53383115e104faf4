//! Which requests may change the protocol of their stream: `upgrade_configs`.

use super::filters::Filters;
use crate::proto::Reader;
use crate::route::{NO_UDP, is_udp};
use crate::services::Build;

/// One upgrade that a connection manager knows.
#[derive(Debug)]
pub struct Upgrade {
    /// Token, compared without case (`websocket`, `CONNECT`).
    pub kind: String,
    /// Whether it is allowed where routes do not say.
    pub enabled: bool,
    /// Filters of its own.
    pub filters: Option<Filters>,
}

impl Upgrade {
    /// Reads `upgrade_configs`.
    pub(super) fn read_all(hcm: &Reader<'_>, build: &Build) -> Option<Vec<Self>> {
        let mut upgrades = Vec::new();
        for reader in hcm.list("upgrade_configs") {
            let filters = if reader.has("filters") { Some(Filters::read(&reader, "filters", build)?) } else { None };
            let kind = reader.need_text("upgrade_type")?;
            if is_udp(&kind) {
                reader.defect("upgrade_type", NO_UDP);
            }
            upgrades.push(Self { kind, enabled: reader.opt_flag("enabled").unwrap_or(true), filters });
        }
        Some(upgrades)
    }
}

/// The upgrade with that token.
pub(super) fn find<'u>(upgrades: &'u [Upgrade], kind: &str) -> Option<&'u Upgrade> {
    upgrades.iter().find(|upgrade| upgrade.kind.eq_ignore_ascii_case(kind))
}
