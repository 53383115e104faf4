//! Addresses, rules, clients and servers inside the namespace.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Runs a program that has to succeed.
pub fn must(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A connection from an address of ours; port 0 lets the system choose.
fn connect(from: SocketAddr, to: SocketAddr) -> TcpStream {
    let domain = if to.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&from.into()).unwrap();
    socket.connect_timeout(&to.into(), Duration::from_secs(10)).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Sends bytes, and the end of them; what comes back.
pub fn ask(from: IpAddr, to: SocketAddr, bytes: &[u8]) -> (SocketAddr, String) {
    ask_from(SocketAddr::new(from, 0), to, bytes)
}

/// The same from a certain port.
pub fn ask_from(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> (SocketAddr, String) {
    let mut stream = connect(from, to);
    let own = stream.local_addr().unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (own, String::from_utf8_lossy(&answer).into_owned())
}

/// A server that says its name and who it thinks talks to it, then what it got.
pub fn server(name: &'static str, at: SocketAddr) {
    let listener = TcpListener::bind(at).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let peer = stream.peer_addr().unwrap();
                let mut got = Vec::new();
                let _ = stream.read_to_end(&mut got);
                let _ = write!(stream, "{name} from {peer}: ");
                let _ = stream.write_all(&got);
            });
        }
    });
}
