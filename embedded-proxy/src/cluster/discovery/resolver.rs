//! Looking up names over DNS, with `/etc/hosts` before it.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::{DnsServers, Family};

/// Addresses of a name, and how long they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The addresses, none when the name has none.
    pub addresses: Vec<IpAddr>,
    /// The shortest time to live among them.
    pub ttl: Duration,
}

/// An answer that is on its way. The error says why there is none: no server answered, or one failed.
pub type Pending<'l> = Pin<Box<dyn Future<Output = Result<Answer, String>> + Send + 'l>>;

/// Something that knows the addresses of names.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// Looks a name up. A name that does not exist is an empty answer, not an error.
    fn lookup<'l>(&'l self, name: &'l str, family: Family) -> Pending<'l>;
}

/// DNS over the servers of the system or of the configuration.
pub struct SystemLookup {
    resolver: Result<TokioResolver, String>,
    search: bool,
}

impl fmt::Debug for SystemLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemLookup").field("search", &self.search).finish_non_exhaustive()
    }
}

fn server(address: std::net::SocketAddr, tcp: bool) -> NameServerConfig {
    let ip = address.ip();
    let mut server = if tcp { NameServerConfig::tcp(ip) } else { NameServerConfig::udp_and_tcp(ip) };
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

impl SystemLookup {
    /// Prepares lookups over these servers. When the system's configuration cannot be read, every lookup fails with that.
    pub fn new(servers: &DnsServers) -> Self {
        let (resolver, search) = match Self::build(servers) {
            Ok((resolver, search)) => (Ok(resolver), search),
            Err(error) => (Err(error.to_string()), false),
        };
        Self { resolver, search }
    }

    fn build(servers: &DnsServers) -> Result<(TokioResolver, bool), NetError> {
        let (mut config, mut options) = match hickory_resolver::system_conf::read_system_conf() {
            Ok(read) => read,
            Err(error) if servers.servers.is_empty() => return Err(error),
            Err(_) => Default::default(),
        };
        let own = config.name_servers().iter().map(|server| {
            let port = server.connections.first().map_or(53, |connection| connection.port);
            std::net::SocketAddr::new(server.ip, port)
        });
        let own: Vec<std::net::SocketAddr> = own.collect();
        if !servers.servers.is_empty() || servers.tcp {
            let chosen = if servers.servers.is_empty() { &own } else { &servers.servers };
            let chosen = chosen.iter().map(|address| server(*address, servers.tcp)).collect();
            let (domain, search, _) = config.into_parts();
            config = ResolverConfig::from_parts(domain, search, chosen);
        }
        let search = !servers.no_search && (!config.search().is_empty() || config.domain().is_some());
        // The time between lookups is the cluster's business.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Always;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        Ok((builder.build()?, search))
    }

    /// Addresses of one family; the whole name first, then below the search domains.
    async fn one(&self, name: &str, kind: RecordType) -> Result<Answer, String> {
        let whole = format!("{}.", name.trim_end_matches('.'));
        let answer = self.query(&whole, kind).await?;
        if !answer.addresses.is_empty() || name.ends_with('.') || !self.search {
            return Ok(answer);
        }
        self.query(name, kind).await
    }

    async fn query(&self, name: &str, kind: RecordType) -> Result<Answer, String> {
        let resolver = self.resolver.as_ref().map_err(Clone::clone)?;
        let found = match resolver.lookup(name, kind).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Answer::default()),
            Err(error) => return Err(error.to_string()),
        };
        let mut answer = Answer { addresses: Vec::new(), ttl: Duration::MAX };
        for record in found.answers() {
            let address = match &record.data {
                RData::A(address) => IpAddr::V4(address.0),
                RData::AAAA(address) => IpAddr::V6(address.0),
                _ => continue,
            };
            answer.addresses.push(address);
            answer.ttl = answer.ttl.min(Duration::from_secs(record.ttl.into()));
        }
        Ok(if answer.addresses.is_empty() { Answer::default() } else { answer })
    }

    /// One family, and the other only when the first has nothing.
    async fn prefer(&self, name: &str, first: RecordType, second: RecordType) -> Result<Answer, String> {
        match self.one(name, first).await {
            Ok(answer) if !answer.addresses.is_empty() => Ok(answer),
            other => match self.one(name, second).await {
                Ok(answer) if answer.addresses.is_empty() => other,
                answer => answer,
            },
        }
    }

    async fn both(&self, name: &str) -> Result<Answer, String> {
        let (four, six) = tokio::join!(self.one(name, RecordType::A), self.one(name, RecordType::AAAA));
        match (four, six) {
            (Ok(mut four), Ok(six)) => {
                let some = |answer: &Answer| (!answer.addresses.is_empty()).then_some(answer.ttl);
                four.ttl = [some(&four), some(&six)].into_iter().flatten().min().unwrap_or_default();
                four.addresses.extend(six.addresses);
                Ok(four)
            }
            (Ok(answer), Err(_)) | (Err(_), Ok(answer)) if !answer.addresses.is_empty() => Ok(answer),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

impl Lookup for SystemLookup {
    fn lookup<'l>(&'l self, name: &'l str, family: Family) -> Pending<'l> {
        Box::pin(async move {
            match family {
                Family::V4 => self.one(name, RecordType::A).await,
                Family::V6 => self.one(name, RecordType::AAAA).await,
                Family::Auto => self.prefer(name, RecordType::AAAA, RecordType::A).await,
                Family::V4Preferred => self.prefer(name, RecordType::A, RecordType::AAAA).await,
                Family::All => self.both(name).await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hosts_of_the_system_need_no_server() {
        let lookup =
            SystemLookup::new(&DnsServers { servers: vec!["127.0.0.1:1".parse().unwrap()], ..DnsServers::default() });
        let answer = lookup.lookup("localhost", Family::V4).await.unwrap();
        assert_eq!(answer.addresses, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }
}
