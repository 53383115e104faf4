//! `envoy.config.core.v3.HealthCheck`.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::assignment::struct_value;
use crate::proto::Reader;

use super::grpc::GrpcCheck;
use super::http::HttpCheck;
use super::tcp::TcpCheck;

/// How hosts are asked.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckKind {
    /// With an HTTP request.
    Http(Box<HttpCheck>),
    /// With gRPC's health service.
    Grpc(GrpcCheck),
    /// With bytes over TCP, or a connection alone.
    Tcp(TcpCheck),
}

/// How often hosts are asked, and what counts.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthConfig {
    /// How they are asked.
    pub kind: CheckKind,
    /// Time for an answer.
    pub timeout: Duration,
    /// Time between checks of a healthy host.
    pub interval: Duration,
    /// Time between checks of an unhealthy host.
    pub unhealthy_interval: Duration,
    /// Time to the next check after a first failure, and after a first success.
    pub unhealthy_edge: Duration,
    /// Time to the next check after a first success.
    pub healthy_edge: Duration,
    /// Time between checks as long as the cluster had no traffic (60 s), and for healthy hosts then.
    pub no_traffic: Duration,
    /// The same for healthy hosts.
    pub no_traffic_healthy: Duration,
    /// The first check is later by up to this.
    pub initial_jitter: Duration,
    /// Every interval is longer by up to this.
    pub jitter: Duration,
    /// Every interval is longer by up to this percentage of it.
    pub jitter_percent: u32,
    /// Failures that make a host unhealthy.
    pub unhealthy_threshold: u32,
    /// Successes that make it healthy again.
    pub healthy_threshold: u32,
    /// Port to ask instead of the host's.
    pub alt_port: Option<u16>,
    /// Connections are kept between checks (yes).
    pub reuse: bool,
    /// Protocols to offer in TLS.
    pub alpn: Vec<String>,
    /// Chooses the transport socket instead of the host's metadata.
    pub match_criteria: Option<Value>,
    /// New hosts count only after their first check.
    pub ignore_new: bool,
}

impl HealthConfig {
    /// Reads the health check of a cluster. None: it has none, or a defect was noted.
    pub fn read(cluster: &Reader<'_>) -> Option<Self> {
        let checks = cluster.list("health_checks");
        if checks.len() > 1 {
            cluster.defect("health_checks", "multiple health checks are not supported");
        }
        let common = cluster.message("common_lb_config");
        let ignore_new = common.is_some_and(|common| {
            // The rest is read with the balancer.
            common.ignore_all();
            common.flag("ignore_new_hosts_until_first_hc")
        });
        let mut checks = checks.into_iter();
        let first = checks.next()?;
        checks.for_each(|other| other.ignore_all());
        Self::read_one(&first, ignore_new)
    }

    fn read_one(reader: &Reader<'_>, ignore_new: bool) -> Option<Self> {
        let needed = |field: &str| {
            let time = reader.duration(field);
            if time.is_none_or(|time| time.is_zero()) {
                reader.defect(field, "must be set and greater than 0");
            }
            time.unwrap_or_default()
        };
        let threshold = |field: &str| {
            let threshold = reader.u32(field);
            if threshold.is_none() {
                reader.defect(field, "must be set");
            }
            threshold.unwrap_or(1)
        };
        let (timeout, interval) = (needed("timeout"), needed("interval"));
        let or = |field: &str, other: Duration| reader.duration(field).unwrap_or(other);
        let unhealthy_interval = or("unhealthy_interval", interval);
        let no_traffic = or("no_traffic_interval", Duration::from_mins(1));
        // Without a place for events there is nothing to log.
        reader.ignore(&["always_log_health_check_failures", "always_log_health_check_success"]);
        let alt_port = reader.number("alt_port").map(u16::try_from);
        if alt_port.is_some_and(|port| port.is_err()) {
            reader.defect("alt_port", "must be at most 65535");
        }
        let kind = Self::read_kind(reader);
        Some(Self {
            timeout,
            interval,
            unhealthy_interval,
            unhealthy_edge: or("unhealthy_edge_interval", unhealthy_interval),
            healthy_edge: or("healthy_edge_interval", interval),
            no_traffic,
            no_traffic_healthy: or("no_traffic_healthy_interval", no_traffic),
            initial_jitter: or("initial_jitter", Duration::ZERO),
            jitter: or("interval_jitter", Duration::ZERO),
            jitter_percent: reader.u32("interval_jitter_percent").unwrap_or(0),
            unhealthy_threshold: threshold("unhealthy_threshold"),
            healthy_threshold: threshold("healthy_threshold"),
            alt_port: alt_port.and_then(Result::ok),
            reuse: reader.opt_flag("reuse_connection").unwrap_or(true),
            alpn: reader.message("tls_options").map(|tls| tls.texts("alpn_protocols")).unwrap_or_default(),
            match_criteria: reader.message("transport_socket_match_criteria").map(|criteria| struct_value(&criteria)),
            ignore_new,
            // Last, so that the rest is read when there is none.
            kind: kind?,
        })
    }

    fn read_kind(reader: &Reader<'_>) -> Option<CheckKind> {
        match reader.choice("health_checker").as_deref() {
            Some("http_health_check") => {
                let check = HttpCheck::read(&reader.message("http_health_check")?)?;
                Some(CheckKind::Http(Box::new(check)))
            }
            Some("grpc_health_check") => GrpcCheck::read(&reader.message("grpc_health_check")?).map(CheckKind::Grpc),
            Some("tcp_health_check") => TcpCheck::read(&reader.message("tcp_health_check")?).map(CheckKind::Tcp),
            Some(other) => {
                reader.defect(other, "the proxy does not have this kind of health check");
                None
            }
            None => {
                reader.defect("health_checker", "one kind of health check must be set");
                None
            }
        }
    }
}
