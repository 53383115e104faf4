//! Traffic that the system redirects to the proxy, in a network namespace of its own. The test runs itself once more inside
//! the namespace (`unshare`), where it may set addresses and rules (`ip`, `nft`) without touching the machine.

mod inside;
mod net;

use std::process::Command;

/// Says to the test that it runs inside.
const INSIDE: &str = "REDIRECT_TEST_INSIDE";

/// Why the machine cannot run it; none when it can.
fn lacking() -> Option<String> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !works("unshare", &["--net", "true"]) {
        return Some("it may not make network namespaces (root and unshare are needed)".into());
    }
    if !works("ip", &["-V"]) {
        return Some("ip is missing (iproute2; scripts/redirect.sh)".into());
    }
    let rule = "nft 'add table ip t; add chain ip t o { type nat hook output priority -100; }'";
    if !works("unshare", &["--net", "sh", "-c", rule]) {
        return Some("nft is missing, or the kernel has no nat (scripts/redirect.sh)".into());
    }
    None
}

#[test]
fn redirected_connections_are_served_as_if_they_were_not() {
    if std::env::var_os(INSIDE).is_some() {
        inside::run();
        return;
    }
    if let Some(why) = lacking() {
        println!("SKIP redirected connections: {why}");
        return;
    }
    let own = std::env::current_exe().unwrap();
    let name = "redirect::redirected_connections_are_served_as_if_they_were_not";
    let output = Command::new("unshare")
        .args(["--net", "--"])
        .arg(own)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "inside the namespace:\n{text}");
}
