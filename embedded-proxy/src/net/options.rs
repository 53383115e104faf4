//! Socket options of the configuration: `envoy.config.core.v3.SocketOption` and `TcpKeepalive`.
//!
//! Envoy passes level and number to the system unread. The proxy has no unsafe code, so it knows the options that
//! meshes use by number and refuses others by name.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::proto::Reader;

/// When an option is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketState {
    /// Before the socket is bound.
    Prebind,
    /// After it is bound, before it listens or connects.
    Bound,
    /// After it listens.
    Listening,
}

/// An option that the proxy knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Keepalive,
    KeepIdle,
    KeepInterval,
    KeepCount,
    UserTimeout,
    NoDelay,
    Mark,
    ReceiveBuffer,
    SendBuffer,
    Tos,
    ReuseAddress,
    ReusePort,
    Transparent,
    FreeBind,
}

/// Linux: level, number, option.
const KNOWN: &[(i64, i64, Known)] = &[
    (1, 2, Known::ReuseAddress),
    (1, 7, Known::SendBuffer),
    (1, 8, Known::ReceiveBuffer),
    (1, 9, Known::Keepalive),
    (1, 15, Known::ReusePort),
    (1, 36, Known::Mark),
    (6, 1, Known::NoDelay),
    (6, 4, Known::KeepIdle),
    (6, 5, Known::KeepInterval),
    (6, 6, Known::KeepCount),
    (6, 18, Known::UserTimeout),
    (0, 1, Known::Tos),
    (0, 15, Known::FreeBind),
    (0, 19, Known::Transparent),
];

/// One socket option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOption {
    known: Known,
    value: u32,
    state: SocketState,
}

impl SocketOption {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // A description is for people; sockets here are TCP of either family.
        reader.ignore(&["description", "type", "ip_version"]);
        let (level, name) = (reader.int("level").unwrap_or(0), reader.int("name").unwrap_or(0));
        let state = match reader.word("state").as_str() {
            "STATE_BOUND" => SocketState::Bound,
            "STATE_LISTENING" => SocketState::Listening,
            _ => SocketState::Prebind,
        };
        let value = match reader.choice("value").as_deref() {
            Some("int_value") => reader.int("int_value").unwrap_or(0),
            _ => {
                let bytes = reader.bytes("buf_value");
                let Ok(bytes) = <[u8; 4]>::try_from(bytes.as_ref()) else {
                    reader.defect("buf_value", "the proxy sets options whose value is a number of 4 bytes only");
                    return None;
                };
                i64::from(i32::from_ne_bytes(bytes))
            }
        };
        let known = KNOWN.iter().find(|(at, number, _)| (*at, *number) == (level, name));
        let Some((_, _, known)) = known else {
            reader.defect("name", format!("the proxy does not set the socket option {name} of level {level}"));
            return None;
        };
        let Ok(value) = u32::try_from(value) else {
            reader.defect("int_value", format!("{value} is no value of this option"));
            return None;
        };
        Some(Self { known: *known, value, state })
    }

    /// Reads a list of them; none when one is wrong.
    pub fn read_all(readers: &[Reader<'_>]) -> Option<Vec<Self>> {
        let all: Vec<Option<Self>> = readers.iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    fn set(&self, socket: &SockRef<'_>) -> io::Result<()> {
        let (value, on) = (self.value, self.value != 0);
        let seconds = Duration::from_secs(value.into());
        let size = usize::try_from(value).unwrap_or(usize::MAX);
        match self.known {
            Known::Keepalive => socket.set_keepalive(on),
            Known::KeepIdle => socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(seconds)),
            Known::KeepInterval => socket.set_tcp_keepalive(&TcpKeepalive::new().with_interval(seconds)),
            Known::KeepCount => socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(value)),
            Known::UserTimeout => socket.set_tcp_user_timeout(Some(Duration::from_millis(value.into()))),
            Known::NoDelay => socket.set_tcp_nodelay(on),
            Known::Mark => socket.set_mark(value),
            Known::ReceiveBuffer => socket.set_recv_buffer_size(size),
            Known::SendBuffer => socket.set_send_buffer_size(size),
            Known::Tos => socket.set_tos_v4(value),
            Known::ReuseAddress => socket.set_reuse_address(on),
            Known::ReusePort => socket.set_reuse_port(on),
            Known::Transparent => set_transparent(socket, on),
            Known::FreeBind => set_freebind(socket, on),
        }
    }
}

/// Sets those options whose time has come.
pub fn set_options(socket: &SockRef<'_>, options: &[SocketOption], state: SocketState) -> io::Result<()> {
    options.iter().filter(|option| option.state == state).try_for_each(|option| option.set(socket))
}

fn is_v6(socket: &SockRef<'_>) -> bool {
    socket.domain().is_ok_and(|domain| domain == socket2::Domain::IPV6)
}

/// Lets the socket take connections to addresses of others (TPROXY).
pub fn set_transparent(socket: &SockRef<'_>, on: bool) -> io::Result<()> {
    if is_v6(socket) { socket.set_ip_transparent_v6(on) } else { socket.set_ip_transparent_v4(on) }
}

/// Lets the socket bind an address that this machine does not have yet.
pub fn set_freebind(socket: &SockRef<'_>, on: bool) -> io::Result<()> {
    if is_v6(socket) { socket.set_freebind_v6(on) } else { socket.set_freebind_v4(on) }
}

/// `envoy.config.core.v3.TcpKeepalive`. What is not set is the system's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keepalive {
    probes: Option<u32>,
    time: Option<u32>,
    interval: Option<u32>,
}

impl Keepalive {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Self {
        Self {
            probes: reader.u32("keepalive_probes"),
            time: reader.u32("keepalive_time"),
            interval: reader.u32("keepalive_interval"),
        }
    }

    /// Turns keep-alive on.
    pub fn set(&self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_keepalive(true)?;
        let mut values = TcpKeepalive::new();
        if let Some(time) = self.time {
            values = values.with_time(Duration::from_secs(time.into()));
        }
        if let Some(interval) = self.interval {
            values = values.with_interval(Duration::from_secs(interval.into()));
        }
        if let Some(probes) = self.probes {
            values = values.with_retries(probes);
        }
        socket.set_tcp_keepalive(&values)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::proto::{Defects, from_json};

    fn read(value: &serde_json::Value) -> Result<SocketOption, String> {
        let defects = Defects::new();
        let message = from_json("envoy.config.core.v3.SocketOption", value)?;
        let option = SocketOption::read(&Reader::new(message, "", &defects));
        defects.verdict(option).map_err(|defects| defects[0].to_string())
    }

    #[test]
    fn known_options_are_set_at_their_time_and_others_are_refused() {
        let option = read(&json!({"level": 6, "name": 5, "int_value": 7, "state": "STATE_LISTENING"})).unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let before = socket.tcp_keepalive_interval().unwrap();
        set_options(&SockRef::from(&socket), std::slice::from_ref(&option), SocketState::Prebind).unwrap();
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), before);
        set_options(&SockRef::from(&socket), &[option], SocketState::Listening).unwrap();
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert!(read(&json!({"level": 6, "name": 99, "int_value": 7})).unwrap_err().starts_with("name: "));
    }
}
