//! What proves a call to a gRPC service: `GrpcService.GoogleGrpc.CallCredentials`.

use http::{HeaderName, HeaderValue, header};

use crate::http::Headers;
use crate::proto::Reader;
use crate::tls::Data;

/// Full name of the message that names a file with a token.
const FILE_BASED: &str = "envoy.config.grpc_credential.v3.FileBasedMetadataConfig";

/// A token that goes with each call. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credential {
    header: HeaderName,
    prefix: String,
    token: Data,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.header)
    }
}

impl Credential {
    /// Reads the fields of `GoogleGrpc` about calls. None: a defect was noted.
    pub fn read_all(google: &Reader<'_>) -> Option<Vec<Self>> {
        // The plugins below are told by the type of their configuration; the name says the same.
        match google.text("credentials_factory_name").as_str() {
            "" | "envoy.grpc_credentials.default" | "envoy.grpc_credentials.file_based_metadata" => {}
            other => {
                google.defect("credentials_factory_name", format!("the proxy does not have the credentials {other}"));
                return None;
            }
        }
        let all: Vec<Option<Self>> = google.list("call_credentials").iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        match reader.choice("credential_specifier").as_deref() {
            Some("access_token") => {
                let token = Data::Inline(reader.need_text("access_token")?.into());
                Some(Self { header: header::AUTHORIZATION, prefix: "Bearer ".into(), token })
            }
            Some("from_plugin") => {
                let plugin = reader.message("from_plugin")?;
                plugin.ignore(&["name"]); // The type of the configuration decides.
                let (name, config) = plugin.any("typed_config")?;
                if name != FILE_BASED {
                    config.ignore_all();
                    plugin.defect("typed_config", format!("the proxy does not have the credentials {name}"));
                    return None;
                }
                Self::read_file(&config)
            }
            Some(other) => {
                let why = "the proxy gets no tokens from elsewhere: use access_token, or a plugin with a file";
                reader.defect(other, why);
                None
            }
            None => {
                reader.defect("", "says no credentials");
                None
            }
        }
    }

    fn read_file(config: &Reader<'_>) -> Option<Self> {
        let name = config.opt_text("header_key");
        let header = name.as_ref().map_or(Ok(header::AUTHORIZATION), |name| HeaderName::from_bytes(name.as_bytes()));
        let Ok(header) = header else {
            config.defect("header_key", "is no name of a field");
            return None;
        };
        let prefix = config.text("header_prefix");
        Some(Self { header, prefix, token: Data::read(&config.need("secret_data")?)? })
    }

    /// Adds the token to a call. A file is read anew, so that a rotated token counts from the next call on. The error
    /// does not hold the token.
    pub fn add(&self, headers: &mut Headers) -> Result<(), String> {
        let bytes = self.token.load()?;
        let text = std::str::from_utf8(&bytes).map_err(|_| "the token is no text".to_string())?.trim();
        let value = HeaderValue::try_from(format!("{}{text}", self.prefix));
        let mut value = value.map_err(|_| "the token is no value of a header field".to_string())?;
        value.set_sensitive(true);
        headers.set(self.header.clone(), value);
        Ok(())
    }
}
