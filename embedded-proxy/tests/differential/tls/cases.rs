//! The cases.

use serde_json::{Value, json};

use super::case::Case;
use super::pki::{Ca, Leaf};

const SERVER: &str = "spiffe://td/ns/a/sa/server";
const CLIENT: &str = "spiffe://td/ns/a/sa/client";
const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

fn exact(text: &str) -> Value {
    json!({ "exact": text })
}

fn options(more: &Value) -> Value {
    let mut options = json!({"@type": format!("type.googleapis.com/{OPTIONS}")});
    options.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({"typed_extension_protocol_options": {OPTIONS: options}})
}

fn h2() -> Value {
    options(&json!({"explicit_http_config": {"http2_protocol_options": {}}}))
}

fn auto() -> Value {
    options(&json!({"auto_config": {"http_protocol_options": {}, "http2_protocol_options": {}}}))
}

/// A connection serves one request: the next one resumes the session.
fn one_each() -> Value {
    options(&json!({
        "common_http_protocol_options": {"max_requests_per_connection": 1},
        "explicit_http_config": {"http_protocol_options": {}},
    }))
}

/// Certificates that the cases use.
struct Pki {
    ca: Ca,
    stranger: Ca,
    server: Value,
    other: Value,
    client: Value,
}

impl Pki {
    fn new() -> Self {
        let (ca, stranger) = (Ca::new("root"), Ca::new("stranger"));
        let server = ca.leaf(Leaf { name: "server", uris: &[SERVER], dns: &["server.test"], ..Leaf::default() });
        let other = ca.leaf(Leaf { name: "other", dns: &["other.test"], ..Leaf::default() });
        let client =
            ca.leaf(Leaf { name: "client", uris: &[CLIENT], dns: &["client.test", "c2.test"], ..Leaf::default() });
        Self { ca, stranger, server, other, client }
    }

    /// `params` null: both versions and X25519, which are not what either proxy does by itself.
    #[allow(clippy::needless_pass_by_value, reason = "callers make it on the spot")]
    fn common(certificates: &[&Value], trust: Value, alpn: &[&str], params: Value) -> Value {
        let same = json!({"tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519"]});
        let params = if params.is_null() { same } else { params };
        json!({
            "tls_certificates": certificates, "validation_context": trust, "alpn_protocols": alpn, "tls_params": params,
        })
    }

    fn up(&self, alpn: &[&str], params: Value) -> Value {
        let trust = self.ca.trust(&[("URI", exact(SERVER))]);
        json!({"sni": "server.test", "common_tls_context": Self::common(&[&self.client], trust, alpn, params)})
    }

    fn up_with(certificates: &[&Value], trust: Value) -> Value {
        json!({"sni": "server.test", "common_tls_context": Self::common(certificates, trust, &[], Value::Null)})
    }

    fn down(&self, alpn: &[&str], params: Value) -> Value {
        Self::down_with(&self.server, self.ca.trust(&[("URI", json!({"prefix": "spiffe://td/"}))]), alpn, params)
    }

    fn down_with(certificate: &Value, trust: Value, alpn: &[&str], params: Value) -> Value {
        let common = Self::common(&[certificate], trust, alpn, params);
        json!({"require_client_certificate": true, "common_tls_context": common})
    }

    fn plain(&self) -> (Value, Value) {
        (self.up(&[], Value::Null), self.down(&[], Value::Null))
    }
}

/// All cases.
pub fn all() -> Vec<Case> {
    let pki = Pki::new();
    [protocols(&pki), names(&pki), certificates(&pki), versions(&pki), forwarded(&pki)].into_iter().flatten().collect()
}

fn protocols(pki: &Pki) -> Vec<Case> {
    let pair = |client: &[&str], server: &[&str]| (pki.up(client, Value::Null), pki.down(server, Value::Null));
    let case = |name, (client, server)| Case::new(name, client, server);
    let istio = ["istio-peer-exchange", "h2", "http/1.1"];
    vec![
        case("h1", pair(&[], &[])).requests(2),
        case("h1 alpn", pair(&["http/1.1"], &["h2", "http/1.1"])),
        case("h2", pair(&["h2"], &["h2", "http/1.1"])).cluster(h2()).requests(2),
        case("auto h2", pair(&[], &["h2", "http/1.1"])).cluster(auto()).requests(2),
        case("auto h1", pair(&[], &["http/1.1"])).cluster(auto()),
        case("no protocol in common", pair(&["x"], &["h2"])),
        case("istio h2", pair(&["istio-h2", "istio", "h2"], &istio)).cluster(h2()),
        case("h2 over istio-peer-exchange", pair(&["istio-peer-exchange", "istio", "h2"], &istio)).cluster(h2()),
        case("istio h1", pair(&["istio-http/1.1", "istio", "http/1.1"], &istio)),
    ]
}

fn names(pki: &Pki) -> Vec<Case> {
    let server = |names: &[(&str, Value)]| {
        let (_, down) = pki.plain();
        (Pki::up_with(&[&pki.client], pki.ca.trust(names)), down)
    };
    let client = |names: &[(&str, Value)]| {
        let (up, _) = pki.plain();
        (up, Pki::down_with(&pki.server, pki.ca.trust(names), &[], Value::Null))
    };
    let case = |name, (client, server)| Case::new(name, client, server);
    let chains = || {
        let own = pki.down(&[], Value::Null);
        let trust = pki.ca.trust(&[]);
        let other = Pki::down_with(&pki.other, trust, &[], Value::Null);
        vec![
            (json!({"server_names": ["server.test"]}), own),
            (json!({"server_names": ["*.test"], "transport_protocol": "tls"}), other),
        ]
    };
    let asks = |sni: &str, name: &str| {
        let mut up = Pki::up_with(&[&pki.client], pki.ca.trust(&[("DNS", exact(name))]));
        up["sni"] = json!(sni);
        up
    };
    vec![
        case("server uri prefix", server(&[("URI", json!({"prefix": "spiffe://td/ns/a/"}))])),
        case("server dns", server(&[("DNS", exact("server.test"))])),
        case("server one of two", server(&[("DNS", exact("x.test")), ("URI", exact(SERVER))])),
        case("server uri refused", server(&[("URI", exact("spiffe://td/ns/a/sa/other"))])),
        case("server dns refused", server(&[("DNS", exact("x.test"))])),
        case("client uri", client(&[("URI", exact(CLIENT))])),
        case("client dns", client(&[("DNS", json!({"suffix": ".test"}))])),
        case("client uri refused", client(&[("URI", exact("spiffe://td/ns/a/sa/other"))])),
        case("chain by name", (asks("server.test", "server.test"), json!({}))).chains(chains()),
        case("chain by wildcard", (asks("other.test", "other.test"), json!({}))).chains(chains()),
        case("no chain for the name", (asks("nobody.example", "other.test"), json!({}))).chains(chains()),
    ]
}

fn certificates(pki: &Pki) -> Vec<Case> {
    let (up, down) = pki.plain();
    let trust = || pki.ca.trust(&[("URI", exact(SERVER))]);
    let leaf = |ca: &Ca, name, uri, expired| ca.leaf(Leaf { name, uris: &[uri], expired, ..Leaf::default() });
    let strange_client = leaf(&pki.stranger, "client", CLIENT, false);
    let strange_server = leaf(&pki.stranger, "server", SERVER, false);
    let old_client = leaf(&pki.ca, "client", CLIENT, true);
    let old_server = leaf(&pki.ca, "server", SERVER, true);
    let server = |certificate: &Value| Pki::down_with(certificate, pki.ca.trust(&[]), &[], Value::Null);
    let mut optional = down.clone();
    optional["require_client_certificate"] = json!(false);
    vec![
        Case::new("no client certificate", Pki::up_with(&[], trust()), down.clone()),
        Case::new("client certificate not needed", Pki::up_with(&[], trust()), optional),
        Case::new("client of a strange authority", Pki::up_with(&[&strange_client], trust()), down.clone()),
        Case::new("server of a strange authority", up.clone(), server(&strange_server)),
        Case::new("expired client", Pki::up_with(&[&old_client], trust()), down),
        Case::new("expired server", up, server(&old_server)),
    ]
}

fn versions(pki: &Pki) -> Vec<Case> {
    let only =
        |version: &str| json!({"tls_minimum_protocol_version": version, "tls_maximum_protocol_version": version});
    let (old, new) = (only("TLSv1_2"), only("TLSv1_3"));
    let case = |name, client: Value, server: Value| Case::new(name, pki.up(&[], client), pki.down(&[], server));
    let groups = json!({"ecdh_curves": ["X25519MLKEM768", "X25519"], "tls_maximum_protocol_version": "TLSv1_3"});
    let mut both = old.clone();
    both["tls_maximum_protocol_version"] = json!("TLSv1_3");
    vec![
        case("tls 1.2", old.clone(), both.clone()),
        case("tls 1.3", new.clone(), both.clone()),
        case("old client, new server", old.clone(), new.clone()),
        case("new client, old server", new.clone(), old.clone()),
        case("resumed 1.3", new.clone(), new).cluster(one_each()).requests(3),
        case("resumed 1.2", old.clone(), old).cluster(one_each()).requests(3),
        case("post-quantum", groups.clone(), groups),
        case("defaults", json!({}), json!({})),
    ]
}

fn forwarded(pki: &Pki) -> Vec<Case> {
    let modes = [
        ("xfcc sanitize", "SANITIZE"),
        ("xfcc forward only", "FORWARD_ONLY"),
        ("xfcc append", "APPEND_FORWARD"),
        ("xfcc set", "SANITIZE_SET"),
        ("xfcc always", "ALWAYS_FORWARD_ONLY"),
    ];
    let parts = [
        ("xfcc subject", "subject"),
        ("xfcc cert", "cert"),
        ("xfcc chain", "chain"),
        ("xfcc dns", "dns"),
        ("xfcc uri", "uri"),
    ];
    let case = |name, mode: &str, details: Value| {
        let (up, down) = pki.plain();
        let hcm = json!({"forward_client_cert_details": mode, "set_current_client_cert_details": details});
        Case::new(name, up, down).hcm(hcm)
    };
    let all = json!({"subject": true, "cert": true, "chain": true, "dns": true, "uri": true});
    let modes = modes.into_iter().map(|(name, mode)| case(name, mode, all.clone()));
    let parts = parts.into_iter().map(|(name, part)| case(name, "SANITIZE_SET", json!({part: true})));
    modes.chain(parts).collect()
}
