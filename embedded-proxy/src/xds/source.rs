//! Where a resource comes from: `envoy.config.core.v3.ConfigSource`.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use crate::grpc::GrpcService;
use crate::proto::Reader;

/// Time to wait for the first delivery when the configuration does not say (15 s, as in Envoy).
pub const INITIAL_FETCH: Duration = Duration::from_secs(15);

/// A place that delivers resources, and how long their user waits for the first delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigSource {
    /// The place.
    pub place: Place,
    /// How long to wait before going on without it; zero waits for ever.
    pub initial_fetch_timeout: Duration,
}

/// Kinds of places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The aggregated stream of the bootstrap.
    Ads,
    /// The bootstrap itself (secrets that are named without a source).
    Static,
    /// A file that holds a discovery response, read again when it changes.
    File {
        /// The file.
        path: PathBuf,
        /// The directory that is watched instead of the file, for atomic swaps of mounted directories.
        directory: Option<PathBuf>,
    },
    /// A stream of its own.
    Api(ApiSource),
}

/// A control plane and the variant of the protocol it is spoken to: `envoy.config.core.v3.ApiConfigSource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiSource {
    /// Whether only changes are sent (delta).
    pub delta: bool,
    /// Whether the stream carries all kinds of resources.
    pub aggregated: bool,
    /// `GrpcService` messages, in the order they are tried.
    pub services: Vec<Bytes>,
}

impl ConfigSource {
    /// The aggregated stream, with the usual patience.
    pub const ADS: Self = Self { place: Place::Ads, initial_fetch_timeout: INITIAL_FETCH };

    /// The bootstrap.
    pub const STATIC: Self = Self { place: Place::Static, initial_fetch_timeout: INITIAL_FETCH };

    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let version = reader.word("resource_api_version");
        if version == "V2" {
            reader.defect("resource_api_version", "the proxy reads version V3 of Envoy's messages only");
            return None;
        }
        let initial_fetch_timeout = reader.duration("initial_fetch_timeout").unwrap_or(INITIAL_FETCH);
        let place = match reader.choice("config_source_specifier").as_deref() {
            Some("ads") => {
                reader.message("ads")?;
                Place::Ads
            }
            Some("self") => {
                // The stream that the resource which says so came from: resources with references come from the
                // aggregated one. Its only field says V3 as well, or nothing.
                reader.message("self")?.ignore_all();
                Place::Ads
            }
            Some("path") => Place::File { path: reader.need_text("path")?.into(), directory: None },
            Some("path_config_source") => {
                let file = reader.message("path_config_source")?;
                // The file is looked at every second, whatever watches it in Envoy.
                file.ignore(&["poll_interval"]);
                let directory = file.message("watched_directory").and_then(|watched| watched.need_text("path"));
                Place::File { path: file.need_text("path")?.into(), directory: directory.map(PathBuf::from) }
            }
            Some("api_config_source") => Place::Api(ApiSource::read(&reader.message("api_config_source")?)?),
            _ => {
                reader.defect(
                    "",
                    "says no source: one of ads, self, path_config_source and api_config_source must be set",
                );
                return None;
            }
        };
        Some(Self { place, initial_fetch_timeout })
    }

    /// Whether this is the aggregated stream.
    pub fn is_ads(&self) -> bool {
        self.place == Place::Ads
    }
}

impl ApiSource {
    /// Reads `ads_config`, which must say an aggregated type, or `GRPC` and `DELTA_GRPC` for the same.
    pub fn read_aggregated(reader: &Reader<'_>) -> Option<Self> {
        Self::read(reader).map(|source| Self { aggregated: true, ..source })
    }

    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // The node is always sent once a stream. How often requests may be sent is limited by back-off and by the number
        // of changes; `refresh_delay` and `request_timeout` belong to REST, which is refused.
        reader.ignore(&["set_node_on_first_message_only", "rate_limit_settings", "refresh_delay", "request_timeout"]);
        let (delta, aggregated) = match reader.word("api_type").as_str() {
            "GRPC" => (false, false),
            "DELTA_GRPC" => (true, false),
            "AGGREGATED_GRPC" => (false, true),
            "AGGREGATED_DELTA_GRPC" => (true, true),
            other => {
                reader.defect("api_type", format!("the proxy does not have {other}: use GRPC or DELTA_GRPC"));
                return None;
            }
        };
        if reader.word("transport_api_version") != "V3" {
            reader.defect("transport_api_version", "must be V3: the proxy speaks no other version");
            return None;
        }
        let services: Vec<Bytes> = reader
            .list("grpc_services")
            .iter()
            .map(|service| {
                // Each stream reads it again, with what it refers to; here it is only checked.
                GrpcService::read(service);
                Bytes::from(service.raw().encode_to_vec())
            })
            .collect();
        if services.is_empty() {
            reader.defect("grpc_services", "names no control plane");
            return None;
        }
        Some(Self { delta, aggregated, services })
    }
}
