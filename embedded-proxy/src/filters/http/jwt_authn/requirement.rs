//! Which tokens a request must carry, and the check of one request against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::extract::{Extractor, Found};
use super::provider::{Provider, Source};
use super::status::Status;
use super::token::{Audiences, Token};
use crate::http::RequestHead;
use crate::proto::Reader;
use crate::telemetry::stats::Counter;

/// The providers of a filter by name.
pub(super) type Providers = BTreeMap<String, Arc<Provider>>;

/// `JwtRequirement`.
pub(super) enum Requirement {
    /// Nothing is required.
    Nothing,
    /// A good token of this provider, with audiences of its own if there are some.
    Provider(Arc<Provider>, Option<Audiences>, Extractor),
    /// One of these.
    Any(Vec<Requirement>),
    /// All of these.
    All(Vec<Requirement>),
    /// Any tokens, whatever they are worth (true), or no token or only good ones (false).
    Lenient(bool, Vec<Arc<Provider>>, Extractor),
}

fn extractor<'p>(providers: impl IntoIterator<Item = &'p Arc<Provider>>) -> Extractor {
    let mut extractor = Extractor::default();
    for provider in providers {
        extractor.add(&provider.issuer, &provider.places);
    }
    extractor
}

impl Requirement {
    /// Reads the message; `used` are the providers that stand beside it in a list.
    pub(super) fn read(reader: &Reader<'_>, providers: &Providers, used: &[Arc<Provider>]) -> Option<Self> {
        match reader.choice("requires_type").as_deref() {
            None => Some(Self::Nothing),
            Some("provider_name") => Self::provider(reader, "provider_name", providers, None),
            Some("provider_and_audiences") => {
                let both = reader.message("provider_and_audiences")?;
                let audiences = both.texts("audiences");
                let audiences = (!audiences.is_empty()).then(|| Audiences::new(&audiences));
                Self::provider(&both, "provider_name", providers, audiences)
            }
            Some(name @ "requires_any") => Some(Self::Any(read_any(&reader.message(name)?, providers)?)),
            Some(name @ "requires_all") => {
                let list = reader.message(name)?.list("requirements");
                Some(Self::All(list.iter().map(|one| Self::read(one, providers, &[])).collect::<Option<_>>()?))
            }
            Some(name @ ("allow_missing" | "allow_missing_or_failed")) => {
                let _ = reader.message(name);
                let used: Vec<_> = if used.is_empty() { providers.values().cloned().collect() } else { used.to_vec() };
                let extractor = extractor(&used);
                Some(Self::Lenient(name == "allow_missing_or_failed", providers.values().cloned().collect(), extractor))
            }
            // A kind that is not taken becomes a defect when the reader goes.
            Some(_) => None,
        }
    }

    fn provider(reader: &Reader<'_>, field: &str, providers: &Providers, audiences: Option<Audiences>) -> Option<Self> {
        let name = reader.text(field);
        let Some(provider) = providers.get(&name) else {
            reader.defect(field, format!("there is no provider {name:?}"));
            return None;
        };
        Some(Self::Provider(provider.clone(), audiences, extractor([provider])))
    }

    /// Whether keys of a provider may have to be fetched for it.
    pub(super) fn may_fetch(&self) -> bool {
        let remote =
            |provider: &Arc<Provider>| matches!(&provider.source, Source::Remote(remote) if remote.fresh().is_none());
        match self {
            Self::Nothing => false,
            Self::Provider(provider, ..) => remote(provider),
            Self::Any(all) | Self::All(all) => all.iter().any(Self::may_fetch),
            Self::Lenient(_, providers, _) => providers.iter().any(remote),
        }
    }
}

/// Reads a list of which one has to hold. One that lets anything pass comes last, and looks where the others look.
fn read_any(reader: &Reader<'_>, providers: &Providers) -> Option<Vec<Requirement>> {
    let list = reader.list("requirements");
    let mut all = Vec::new();
    let mut used = Vec::new();
    let mut lenient: Option<&Reader<'_>> = None;
    for one in &list {
        if one.has("allow_missing") || one.has("allow_missing_or_failed") {
            match lenient {
                Some(strong) if strong.has("allow_missing_or_failed") => one.ignore_all(),
                Some(weak) => {
                    weak.ignore_all();
                    lenient = Some(one);
                }
                None => lenient = Some(one),
            }
            continue;
        }
        let requirement = Requirement::read(one, providers, &[])?;
        if let Requirement::Provider(provider, ..) = &requirement {
            used.push(provider.clone());
        }
        all.push(requirement);
    }
    if let Some(lenient) = lenient {
        all.push(Requirement::read(lenient, providers, &used)?);
    }
    Some(all)
}

/// The check of one request.
pub(super) struct Check<'c> {
    /// The request; good tokens change it.
    pub(super) head: &'c mut RequestHead,
    /// Seconds since 1970.
    pub(super) now: u64,
    /// Providers whose keys were asked for on behalf of this request.
    pub(super) fetched: &'c [String],
    /// What goes to the dynamic metadata.
    pub(super) extracted: Map<String, Value>,
    /// Whether the route has to be looked up again.
    pub(super) clear_route: bool,
    /// Cache hits and misses.
    pub(super) cache: Option<(&'c Counter, &'c Counter)>,
    /// The only provider of the filter, which takes the blame for what no provider can be found for.
    pub(super) single: Option<&'c Arc<Provider>>,
}

/// Keys of this provider are needed before the check can go on.
pub(super) struct NeedKeys(pub(super) Arc<Provider>);

impl Check<'_> {
    /// Checks the request. A failure is the status to answer with.
    pub(super) fn run(&mut self, requirement: &Requirement) -> Result<Status, NeedKeys> {
        match requirement {
            Requirement::Nothing => Ok(Status::Ok),
            Requirement::Provider(provider, audiences, extractor) => {
                let how = How {
                    provider: Some(provider),
                    audiences: audiences.as_ref(),
                    all: &[],
                    failed: false,
                    missing: false,
                };
                self.tokens(extractor, &how)
            }
            Requirement::Lenient(failed, all, extractor) => {
                let how = How { provider: None, audiences: None, all, failed: *failed, missing: true };
                self.tokens(extractor, &how)
            }
            Requirement::All(all) => {
                for one in all {
                    let status = self.run(one)?;
                    if status != Status::Ok {
                        return Ok(status);
                    }
                }
                Ok(Status::Ok)
            }
            Requirement::Any(all) => {
                let mut worst = Status::Missing;
                for one in all {
                    let status = self.run(one)?;
                    match status {
                        Status::Ok => return Ok(status),
                        // A provider that is not concerned does not hide why another one refused.
                        Status::Missing | Status::UnknownIssuer if worst != Status::Missing => {}
                        _ => worst = status,
                    }
                }
                Ok(worst)
            }
        }
    }

    /// All tokens found must be good: otherwise a bad one could be taken for good behind us.
    fn tokens(&mut self, extractor: &Extractor, how: &How<'_>) -> Result<Status, NeedKeys> {
        let mut found = extractor.find(self.head);
        let mut last = Status::Missing;
        if found.is_empty() {
            self.blame(None, how, last);
        }
        while let Some(token) = found.pop() {
            last = match self.token(&token, how)? {
                Ok(()) => Status::Ok,
                Err((provider, status)) => self.blame(provider.as_ref(), how, status),
            };
            if last != Status::Ok && !how.failed && !how.missing {
                break;
            }
        }
        let forgiven = how.failed || (how.missing && last == Status::Missing);
        Ok(if forgiven { Status::Ok } else { last })
    }

    #[allow(clippy::type_complexity)]
    fn token(
        &mut self,
        found: &Found<'_>,
        how: &How<'_>,
    ) -> Result<Result<(), (Option<Arc<Provider>>, Status)>, NeedKeys> {
        let cached = how.provider.and_then(|provider| provider.cached(&found.token));
        if let Some((hit, miss)) = self.cache.filter(|_| how.provider.is_some()) {
            if cached.is_some() { hit } else { miss }.inc();
        }
        let known = cached.is_some();
        let token = match cached {
            Some(token) => token,
            None => match Token::parse(&found.token) {
                Ok(token) => Arc::new(token),
                Err(status) => return Ok(Err((how.provider.cloned(), status))),
            },
        };
        if !found.allows(&token.iss) {
            return Ok(Err((how.provider.cloned(), Status::UnknownIssuer)));
        }
        let Some(provider) = how.provider.or_else(|| of_issuer(how.all, &token.iss)) else {
            return Ok(Err((None, Status::UnknownIssuer)));
        };
        let fail = |status| Ok(Err((Some(provider.clone()), status)));
        if let Err(status) = provider.check(&token, how.audiences, self.now) {
            return fail(status);
        }
        if !known {
            let verified = match &provider.source {
                Source::Local(keys) => keys.verify(&token),
                Source::Remote(remote) => match remote.fresh() {
                    Some(keys) => keys.0.verify(&token),
                    None if self.fetched.contains(&provider.name) => Err(Status::FetchFailed),
                    None => return Err(NeedKeys(provider.clone())),
                },
            };
            if let Err(status) = verified {
                return fail(status);
            }
        }
        self.clear_route |= provider.mark(&token, self.head);
        if !provider.forward {
            found.remove(self.head);
        }
        provider.extract(&token, &mut self.extracted);
        if how.provider.is_some() && !known {
            provider.remember(&found.token, &token);
        }
        Ok(Ok(()))
    }

    /// Notes a failure in the metadata where its provider wants that.
    fn blame(&mut self, provider: Option<&Arc<Provider>>, how: &How<'_>, status: Status) -> Status {
        let provider = provider.or(how.provider).or(self.single);
        if let Some(provider) = provider.filter(|provider| !provider.failed_key.is_empty() && status != Status::Ok) {
            let failure = json!({ "code": status.code(), "message": status.text() });
            self.extracted.insert(provider.failed_key.clone(), failure);
        }
        status
    }
}

/// How tokens are judged.
struct How<'h> {
    /// The provider they must come from; none: the one of their issuer among `all`.
    provider: Option<&'h Arc<Provider>>,
    audiences: Option<&'h Audiences>,
    all: &'h [Arc<Provider>],
    /// Failures are forgiven.
    failed: bool,
    /// The absence of a token is forgiven.
    missing: bool,
}

/// The provider of an issuer, or the first one that takes any.
fn of_issuer<'p>(providers: &'p [Arc<Provider>], issuer: &str) -> Option<&'p Arc<Provider>> {
    let of = |issuer: &str| providers.iter().find(|provider| provider.issuer == issuer);
    of(issuer).or_else(|| of(""))
}
