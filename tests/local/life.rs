//! Beginning and end.

use super::mesh::Mesh;

/// Listeners on loopback addresses of pods, as the kernel sees them: local addresses in hexadecimal.
fn listening(prefix: &str) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let listening = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    listening.filter(|fields| fields.get(3) == Some(&"0A") && fields[1].starts_with(prefix)).count()
}

#[test]
fn the_end_leaves_nothing_behind() {
    let mut mesh = Mesh::up();
    let (code, out, _) = mesh.run(&["status", "-o", "json"]);
    assert_eq!(code, 0, "{out}");
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    let address: std::net::Ipv4Addr = status["workloads"][0]["address"].as_str().unwrap().parse().unwrap();
    let [a, b, c, d] = address.octets();
    let pod = format!("{d:02X}{c:02X}{b:02X}{a:02X}:");
    assert!(listening(&pod) >= 3, "outbound, inbound and admin");

    let (code, _, err) = mesh.run(&["up", "-f", "."]);
    assert_eq!(code, 2);
    assert!(err.contains("runs already") && err.contains(&mesh.pid().to_string()), "{err}");

    let (code, _, err) = mesh.run(&["stop"]);
    assert_eq!(code, 0, "{err}");
    assert!(mesh.ended());
    assert_eq!(listening(&pod), 0);
    assert!(!mesh.directory.path().join("state").exists());
    let (code, _, err) = mesh.run(&["status"]);
    assert_eq!(code, 2);
    assert!(err.contains("no local mesh runs"), "{err}");
}

#[test]
fn a_signal_ends_it() {
    let mut mesh = Mesh::up();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(mesh.pid()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(mesh.ended());
    assert!(!mesh.directory.path().join("state").exists());
}

#[test]
fn callers_and_urls_that_do_not_exist_are_told() {
    let mesh = Mesh::up();
    let (code, _, err) = mesh.run(&["call", "--from", "nobody", "http://reviews:9080/"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no workload nobody; there are details-v1"), "{err}");
    let (code, out, _) = mesh.run(&["call", "--from", "details-v1", "ftp://reviews"]);
    assert_eq!(code, 1);
    assert!(out.contains("the scheme ftp is not one of http and tcp"), "{out}");
}
