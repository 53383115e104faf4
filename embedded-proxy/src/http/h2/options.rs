//! Options of HTTP/2 from `envoy.config.core.v3.Http2ProtocolOptions`.

use std::time::Duration;

use crate::hcm::{Http2Options, Keepalive};
use crate::proto::Reader;

/// Windows when none are configured. Envoy announces 16 and 24 MiB and calls them a soft limit of what it buffers; these
/// fill a 10 Gbit/s path of 1 ms as well and hold a sixteenth of it for a peer that reads slowly.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

impl Default for Http2Options {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 1024,
            stream_window: STREAM_WINDOW,
            connection_window: CONNECTION_WINDOW,
            header_table: 4096,
            allow_connect: false,
            keepalive: None,
            resets: (1000, 33),
        }
    }
}

impl Http2Options {
    /// Reads the message. Values out of range are defects.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Limits of Envoy's own queues and of frames that the codec here bounds by itself, ways of encoding that no peer
        // can tell, and METADATA frames' size, which are not sent. A malformed message ends its stream and no other,
        // which is what `override_stream_error_on_invalid_http_message` asks for.
        reader.ignore(&[
            "max_outbound_frames",
            "max_outbound_control_frames",
            "max_consecutive_inbound_frames_with_empty_payload",
            "max_inbound_priority_frames_per_stream",
            "max_inbound_window_update_frames_per_data_frame_sent",
            "stream_error_on_invalid_http_messaging",
            "override_stream_error_on_invalid_http_message",
            "use_oghttp2_codec",
            "max_metadata_size",
            "enable_huffman_encoding",
            "max_header_field_size_kb",
        ]);
        for field in ["allow_metadata", "disallow_obs_text"] {
            if reader.flag(field) {
                reader.defect(field, "the proxy does not have this feature");
            }
        }
        let default = Self::default();
        let number = |field: &str, least: u32, default: u32| match reader.u32(field) {
            Some(value) if value < least || value > i32::MAX as u32 => {
                reader.defect(field, format!("must be between {least} and {}", i32::MAX));
                default
            }
            value => value.unwrap_or(default),
        };
        Some(Self {
            max_concurrent_streams: number("max_concurrent_streams", 1, default.max_concurrent_streams),
            stream_window: number("initial_stream_window_size", 65535, default.stream_window),
            connection_window: number("initial_connection_window_size", 65535, default.connection_window),
            header_table: number("hpack_table_size", 0, default.header_table),
            allow_connect: reader.flag("allow_connect"),
            keepalive: match reader.message("connection_keepalive") {
                Some(reader) => Some(Keepalive::read(&reader)?),
                None => None,
            },
            resets: (
                reader.number("stream_reset_burst").unwrap_or(default.resets.0),
                reader.number("stream_reset_rate").unwrap_or(default.resets.1),
            ),
        })
    }
}

impl Keepalive {
    /// Reads `envoy.config.core.v3.KeepaliveSettings`.
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(timeout) = reader.duration("timeout") else {
            reader.defect("timeout", "must be set");
            return None;
        };
        let set = |field: &str| reader.duration(field).filter(|duration| !duration.is_zero());
        let jitter = reader.message("interval_jitter").map_or(15.0, |percent| percent.float("value").unwrap_or(0.0));
        let (interval, idle) = (set("interval"), set("connection_idle_interval"));
        Some(Self { interval, timeout, jitter: jitter / 100.0, idle })
    }

    /// The interval with its jitter, for one ping.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.interval.map(|interval| interval.mul_f64(1.0 + self.jitter.clamp(0.0, 1.0) * fastrand::f64()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{Defect, Defects, from_json};

    fn read(value: &serde_json::Value) -> Result<Http2Options, Vec<Defect>> {
        let message = from_json("envoy.config.core.v3.Http2ProtocolOptions", value).unwrap();
        let defects = Defects::new();
        let options = Http2Options::read(&Reader::new(message, "h2", &defects));
        defects.verdict(options)
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        assert_eq!(read(&json!({})), Ok(Http2Options::default()));
        let options = read(&json!({
            "max_concurrent_streams": 7,
            "allow_connect": true,
            "connection_keepalive": { "interval": "30s", "timeout": "5s", "interval_jitter": {} },
        }));
        let options = options.unwrap();
        assert_eq!((options.max_concurrent_streams, options.allow_connect), (7, true));
        assert_eq!(options.keepalive.unwrap().next(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        let defects = read(&json!({ "allow_metadata": true, "initial_stream_window_size": 1 })).unwrap_err();
        let paths: Vec<&str> = defects.iter().map(|defect| defect.path.as_str()).collect();
        assert_eq!(paths, ["h2.allow_metadata", "h2.initial_stream_window_size"]);
        let defects = read(&json!({ "custom_settings_parameters": [{ "identifier": 99, "value": 1 }] })).unwrap_err();
        assert_eq!(defects[0].path, "h2.custom_settings_parameters");
        assert_eq!(
            read(&json!({ "connection_keepalive": {} })).unwrap_err()[0].path,
            "h2.connection_keepalive.timeout"
        );
    }
}
