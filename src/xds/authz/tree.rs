//! Conditions on a request or connection as a tree, and how Envoy says them: as permissions or as principals.

use envoy_types::pb::envoy::config::core::v3::{CidrRange, TypedExtensionConfig};
use envoy_types::pb::envoy::config::rbac::v3::{
    Permission, Principal, permission,
    principal::{self, Authenticated},
};
use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    MetadataMatcher, PathMatcher, StringMatcher, path_matcher::Rule as PathRule,
};

use crate::xds::proto::{any, template};

/// One look at a request or connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A name in the caller's certificate.
    Identity(StringMatcher),
    /// Address of the connection.
    Source(CidrRange),
    /// Address of the original client.
    Remote(CidrRange),
    /// Address that the connection came to.
    Destination(CidrRange),
    /// Port that it came to.
    Port(u16),
    /// Server name of the connection.
    ServerName(StringMatcher),
    /// A header.
    Header(Box<HeaderMatcher>),
    /// The path.
    Path(StringMatcher),
    /// The path, by a template.
    Template(String),
    /// What another filter found out.
    Metadata(Box<MetadataMatcher>),
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// It holds always.
    Always,
    /// It never holds.
    Never,
    /// All of these.
    All(Vec<Tree>),
    /// One of these.
    Any(Vec<Tree>),
    /// Not this.
    Not(Box<Tree>),
    /// A look.
    Test(Test),
}

impl Tree {
    /// All of some conditions, without what says nothing.
    pub fn all(trees: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for tree in trees {
            match tree {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::All(inner) => kept.extend(inner),
                tree => kept.push(tree),
            }
        }
        match kept.len() {
            0 => Self::Always,
            1 => kept.remove(0),
            _ => Self::All(kept),
        }
    }

    /// One of some conditions.
    pub fn any(trees: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for tree in trees {
            match tree {
                Self::Always => return Self::Always,
                Self::Never => {}
                Self::Any(inner) => kept.extend(inner),
                tree => kept.push(tree),
            }
        }
        match kept.len() {
            0 => Self::Never,
            1 => kept.remove(0),
            _ => Self::Any(kept),
        }
    }

    /// The opposite.
    pub fn not(tree: Self) -> Self {
        match tree {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            tree => Self::Not(Box::new(tree)),
        }
    }

    /// True when all of it can be a principal.
    pub fn is_principal(&self) -> bool {
        match self {
            Self::Always | Self::Never => true,
            Self::All(inner) | Self::Any(inner) => inner.iter().all(Self::is_principal),
            Self::Not(inner) => inner.is_principal(),
            Self::Test(test) => {
                !matches!(test, Test::Destination(_) | Test::Port(_) | Test::ServerName(_) | Test::Template(_))
            }
        }
    }

    /// True when all of it can be a permission.
    pub fn is_permission(&self) -> bool {
        match self {
            Self::Always | Self::Never => true,
            Self::All(inner) | Self::Any(inner) => inner.iter().all(Self::is_permission),
            Self::Not(inner) => inner.is_permission(),
            Self::Test(test) => !matches!(test, Test::Identity(_) | Test::Source(_) | Test::Remote(_)),
        }
    }

    /// As a permission; nothing when a part of it can only be a principal.
    pub fn permission(&self) -> Option<Permission> {
        use permission::{Rule, Set};
        let set = |trees: &[Self]| trees.iter().map(Self::permission).collect::<Option<Vec<_>>>();
        let rule = match self {
            Self::Always => Rule::Any(true),
            Self::Never => Rule::NotRule(Box::new(Permission { rule: Some(Rule::Any(true)) })),
            Self::All(inner) => Rule::AndRules(Set { rules: set(inner)? }),
            Self::Any(inner) => Rule::OrRules(Set { rules: set(inner)? }),
            Self::Not(inner) => Rule::NotRule(Box::new(inner.permission()?)),
            Self::Test(test) => match test {
                Test::Destination(range) => Rule::DestinationIp(range.clone()),
                Test::Port(port) => Rule::DestinationPort((*port).into()),
                Test::ServerName(name) => Rule::RequestedServerName(name.clone()),
                Test::Header(header) => Rule::Header((**header).clone()),
                Test::Path(path) => Rule::UrlPath(path_matcher(path)),
                Test::Template(path) => Rule::UriTemplate(TypedExtensionConfig {
                    name: "envoy.path.match.uri_template.uri_template_matcher".into(),
                    typed_config: Some(any(&template(path))),
                }),
                Test::Metadata(metadata) => metadata_permission(metadata),
                Test::Identity(_) | Test::Source(_) | Test::Remote(_) => return None,
            },
        };
        Some(Permission { rule: Some(rule) })
    }

    /// As a principal; nothing when a part of it can only be a permission.
    pub fn principal(&self) -> Option<Principal> {
        use principal::{Identifier, Set};
        let set = |trees: &[Self]| trees.iter().map(Self::principal).collect::<Option<Vec<_>>>();
        let identifier = match self {
            Self::Always => Identifier::Any(true),
            Self::Never => Identifier::NotId(Box::new(Principal { identifier: Some(Identifier::Any(true)) })),
            Self::All(inner) => Identifier::AndIds(Set { ids: set(inner)? }),
            Self::Any(inner) => Identifier::OrIds(Set { ids: set(inner)? }),
            Self::Not(inner) => Identifier::NotId(Box::new(inner.principal()?)),
            Self::Test(test) => match test {
                Test::Identity(name) => Identifier::Authenticated(Authenticated { principal_name: Some(name.clone()) }),
                Test::Source(range) => Identifier::DirectRemoteIp(range.clone()),
                Test::Remote(range) => Identifier::RemoteIp(range.clone()),
                Test::Header(header) => Identifier::Header((**header).clone()),
                Test::Path(path) => Identifier::UrlPath(path_matcher(path)),
                Test::Metadata(metadata) => metadata_principal(metadata),
                Test::Destination(_) | Test::Port(_) | Test::ServerName(_) | Test::Template(_) => return None,
            },
        };
        Some(Principal { identifier: Some(identifier) })
    }
}

#[allow(deprecated, reason = "every Envoy reads this field, the newer one only new ones")]
fn metadata_permission(metadata: &MetadataMatcher) -> permission::Rule {
    permission::Rule::Metadata(metadata.clone())
}

#[allow(deprecated, reason = "every Envoy reads this field, the newer one only new ones")]
fn metadata_principal(metadata: &MetadataMatcher) -> principal::Identifier {
    principal::Identifier::Metadata(metadata.clone())
}

fn path_matcher(path: &StringMatcher) -> PathMatcher {
    PathMatcher { rule: Some(PathRule::Path(path.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_goes() {
        let port = || Tree::Test(Test::Port(80));
        assert_eq!(Tree::all([Tree::Always, port()]), port());
        assert_eq!(Tree::all([Tree::Never, port()]), Tree::Never);
        assert_eq!(Tree::any([Tree::Never, port()]), port());
        assert_eq!(Tree::any(Vec::new()), Tree::Never);
        assert_eq!(Tree::not(Tree::not(port())), port());
        assert!(port().is_permission() && !port().is_principal() && port().principal().is_none());
    }
}
