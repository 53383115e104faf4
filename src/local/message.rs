//! What applications answer, and what is said over the control socket, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a sample application answers to an HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The application's name.
    pub service: String,
    /// The workload that answered.
    pub workload: String,
    /// Its namespace.
    pub namespace: String,
    /// Its version label.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The method that it saw.
    pub method: String,
    /// The path that it saw.
    pub path: String,
    /// The host that it saw.
    pub host: String,
    /// The identity that the caller proved to the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The headers that it saw.
    pub headers: BTreeMap<String, String>,
    /// The body that it got.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// What it called itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Outcome>,
}

/// What came of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was asked for.
    pub url: String,
    /// The status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Time until the answer was there, in milliseconds.
    pub ms: u64,
    /// Headers of the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The answer of a sample application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<Answer>>,
    /// The body, when it was something else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// A request that a workload is to send.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The workload: `NAME` or `NAMESPACE/NAME`.
    pub from: String,
    /// `http://HOST[:PORT][/PATH]` or `tcp://HOST:PORT`.
    pub url: String,
    /// The method.
    pub method: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// How often.
    pub count: u32,
    /// Repeat until this status comes, for at most ten seconds.
    pub until: Option<u16>,
}

/// What is asked over the control socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Ask {
    /// Send requests.
    Call(Call),
    /// Tell what runs.
    Status,
    /// Tell who called whom.
    Traffic {
        /// And begin anew.
        reset: bool,
    },
    /// End.
    Stop,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// What came of each request.
    Outcomes(Vec<Outcome>),
    /// What runs.
    Status(Status),
    /// Who called whom.
    Traffic(Vec<Edge>),
    /// It ends.
    Stopping,
    /// It cannot be done.
    Refused(String),
}

/// What runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Id of the process.
    pub pid: u32,
    /// The directory.
    pub directory: Vec<String>,
    /// Address of the control plane.
    pub control_plane: String,
    /// Services that can be called.
    pub services: Vec<ServiceStatus>,
    /// Workloads that run.
    pub workloads: Vec<WorkloadStatus>,
    /// What is wrong in the directory now.
    pub problems: Vec<String>,
}

/// A service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Full host name.
    pub host: String,
    /// Its address.
    pub address: String,
    /// Ports with their protocols: `9080/HTTP`.
    pub ports: Vec<String>,
    /// Workloads behind it.
    pub workloads: Vec<String>,
}

/// A workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `sidecar`, `gateway` or `none`.
    pub proxy: String,
    /// Whether its proxy takes traffic.
    pub ready: bool,
    /// Its identity.
    pub identity: String,
    /// Address of the pod.
    pub address: String,
    /// Ports of the application, or of the gateway on this machine.
    pub ports: Vec<String>,
    /// Admin interface of its proxy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub admin: String,
}

/// Requests from one workload to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Who called.
    pub from: String,
    /// Who answered; the host, when no application did.
    pub to: String,
    /// How many.
    pub count: u64,
    /// How many of them had no answer, or one with a status of 400 or more.
    pub failed: u64,
    /// The caller proved an identity.
    pub mtls: bool,
}
