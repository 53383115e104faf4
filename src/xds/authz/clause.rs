//! One clause as a condition. What cannot be said becomes what widens no access: `bound` says which side that is.

use super::tree::{Test, Tree};
use super::{identity, token};
use crate::ir::{Attribute, Clause, Name, TextMatch, ValueMatch};
use crate::xds::http::header;
use crate::xds::proto::{cidr, text_match};

/// On which side a condition that cannot be said errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It holds for less: for what allows.
    Less,
    /// It holds for more: for what refuses.
    More,
}

impl Bound {
    /// What stands for a condition that cannot be said.
    pub fn unknown(self) -> Tree {
        if self == Self::Less { Tree::Never } else { Tree::Always }
    }

    fn opposite(self) -> Self {
        if self == Self::Less { Self::More } else { Self::Less }
    }
}

/// What a clause is looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'s> {
    /// Requests are seen, not only connections.
    pub http: bool,
    /// The trust domains of the mesh.
    pub domains: &'s [Name],
}

impl Sight<'_> {
    /// A clause: one of the values fits, and none of the others.
    pub fn clause(&self, clause: &Clause, bound: Bound) -> Tree {
        if clause.attribute.is_http() && !self.http {
            return bound.unknown();
        }
        let one = |value: &ValueMatch, bound: Bound| self.value(&clause.attribute, value).unwrap_or(bound.unknown());
        let wanted = match clause.values.as_slice() {
            [] => Tree::Always,
            values => Tree::any(values.iter().map(|value| one(value, bound))),
        };
        let unwanted = Tree::any(clause.not.iter().map(|value| one(value, bound.opposite())));
        Tree::all([wanted, Tree::not(unwanted)])
    }

    /// All clauses.
    pub fn all(&self, clauses: &[Clause], bound: Bound) -> Tree {
        Tree::all(clauses.iter().map(|clause| self.clause(clause, bound)))
    }

    /// A value of an attribute; nothing when it cannot be said.
    fn value(&self, attribute: &Attribute, value: &ValueMatch) -> Option<Tree> {
        match value {
            ValueMatch::Text(text) => self.text(attribute, text),
            ValueMatch::Template(template) => {
                (*attribute == Attribute::Path).then(|| Tree::Test(Test::Template(template.to_string())))
            }
            ValueMatch::Network(network) => {
                let range = cidr(*network);
                Some(Tree::Test(match attribute {
                    Attribute::SourceIp => Test::Source(range),
                    Attribute::RemoteIp => Test::Remote(range),
                    Attribute::DestinationIp => Test::Destination(range),
                    _ => return None,
                }))
            }
            ValueMatch::Port(port) => {
                (*attribute == Attribute::DestinationPort).then_some(Tree::Test(Test::Port(*port)))
            }
        }
    }

    fn text(&self, attribute: &Attribute, text: &TextMatch) -> Option<Tree> {
        let of_header = |name: &str| Some(Tree::Test(Test::Header(Box::new(header(name, text, false)))));
        let names = |path: &[Name]| path.iter().map(std::string::ToString::to_string).collect::<Vec<_>>();
        match attribute {
            Attribute::Principal => identity::principal(text, self.domains),
            Attribute::Namespace => identity::namespace(text),
            Attribute::ServiceAccount => identity::account(text),
            Attribute::TrustDomain => identity::trust_domain(text),
            Attribute::RequestPrincipal => token::principal(text),
            Attribute::Claim(path) => {
                let path = names(path);
                token::claim(&path.iter().map(String::as_str).collect::<Vec<_>>(), text)
            }
            Attribute::Audience => token::claim(&["aud"], text),
            Attribute::Presenter => token::claim(&["azp"], text),
            Attribute::FilterMetadata(filter, path) => {
                let path = names(path);
                token::value(filter, &path.iter().map(String::as_str).collect::<Vec<_>>(), text)
            }
            Attribute::Host => of_header(":authority"),
            Attribute::Method => of_header(":method"),
            Attribute::Header(name) => of_header(name),
            Attribute::Path => match text_match(text) {
                Some(matcher) => Some(Tree::Test(Test::Path(matcher))),
                // Every request has a path.
                None => Some(Tree::Always),
            },
            Attribute::ServerName => {
                let test =
                    text_match(text).or_else(|| text_match(&TextMatch::of(crate::ir::TextTest::Regex(".+".into()))));
                Some(Tree::Test(Test::ServerName(test?)))
            }
            Attribute::SourceIp | Attribute::RemoteIp | Attribute::DestinationIp | Attribute::DestinationPort => None,
        }
    }
}
