//! Where the admin interface listens: `envoy.config.bootstrap.v3.Admin`.

use crate::listener::Bind;
use crate::proto::Reader;

/// The admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Address it binds, a unix socket perhaps; port 0 lets the system choose.
    pub bind: Bind,
}

impl Admin {
    /// Reads the message. None: it has no address, or a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // A file for CPU profiles, which the proxy does not write; the connection limits do not count admin connections.
        reader.ignore(&["profile_path", "ignore_global_conn_limit"]);
        no_logs(reader);
        let address = reader.message("address")?;
        Bind::read(&address).map(|bind| Self { bind })
    }
}

/// The admin interface keeps no access log: one to nowhere is what it has, any other is a defect.
fn no_logs(reader: &Reader<'_>) {
    let nowhere = |path: &str| path == "/dev/null";
    for log in reader.list("access_log") {
        log.ignore(&["name"]);
        let Some((_, config)) = log.any("typed_config") else { continue };
        let path = config.raw().get_field_by_name("path").and_then(|path| path.as_str().map(str::to_string));
        config.ignore_all();
        if !path.is_some_and(|path| nowhere(&path)) {
            log.defect("", "the admin interface of the proxy keeps no access log: leave it out, or write to /dev/null");
        }
    }
    if reader.opt_text("access_log_path").is_some_and(|path| !nowhere(&path)) {
        reader.defect("access_log_path", "the admin interface of the proxy keeps no access log");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defect, from_json, read_checked};

    fn read(admin: &Value) -> Result<Admin, Vec<Defect>> {
        read_checked(from_json("envoy.config.bootstrap.v3.Admin", admin).unwrap(), "admin", Admin::read)
    }

    #[test]
    fn only_logs_to_nowhere_are_taken() {
        let admin = |path: &str| {
            json!({
                "access_log": [{ "name": "file", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path,
                } }],
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": 1 } },
            })
        };
        assert_eq!(read(&admin("/dev/null")).unwrap().bind.address.port(), Some(1));
        assert_eq!(read(&admin("/tmp/log")).unwrap_err()[0].path, "admin.access_log[0]");
    }
}
