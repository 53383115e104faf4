//! Routes of connections that are not HTTP here: by server name, port and address.

use super::{Attachment, ClientMatch, Destination, HostPattern, Name, Origin, Visibility};

/// Rules for connections to some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L4Routes {
    /// Where they are declared.
    pub origin: Origin,
    /// Namespace of the object.
    pub namespace: Name,
    /// Hosts whose addresses (or server names) the rules are for.
    pub hosts: Vec<HostPattern>,
    /// Where they hold.
    pub attachment: Attachment,
    /// Namespaces that see them.
    pub visibility: Visibility,
    /// The first rule that matches decides.
    pub rules: Vec<L4Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L4Rule {
    /// Where it is declared.
    pub origin: Origin,
    /// Its name, may be empty.
    pub name: Name,
    /// One of these must hold; none at all means every connection.
    pub matches: Vec<L4Match>,
    /// Where connections go, by weight; empty closes them.
    pub targets: Vec<L4Target>,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct L4Match {
    /// Where it is declared.
    pub origin: Origin,
    /// Server names of a TLS handshake; empty means no TLS is needed.
    pub server_names: Vec<HostPattern>,
    /// Addresses that the caller connected to.
    pub destinations: Vec<ipnet::IpNet>,
    /// Port that the caller connected to.
    pub port: Option<u16>,
    /// Who connects.
    pub client: ClientMatch,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L4Target {
    /// Where it is declared.
    pub origin: Origin,
    /// Weight.
    pub weight: u32,
    /// Where it leads; none for a target that does not exist or may not be used.
    pub destination: Option<Destination>,
}
