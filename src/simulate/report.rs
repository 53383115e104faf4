//! The answer: steps with the lines that cause them, and how it ends.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ir::Origin;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Who sends it.
    pub from: String,
    /// Method.
    pub method: String,
    /// Where to.
    pub url: String,
    /// True when every such request reaches a workload that takes it.
    pub delivered: bool,
    /// How it ends, in a sentence; for requests that are refused the reason.
    pub result: String,
    /// The status that the client gets, where one is certain and does not come from a workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happens before a destination is chosen.
    pub steps: Vec<Step>,
    /// Where it may go.
    pub destinations: Vec<Destination>,
    /// Answers that come from a proxy on the client's side.
    pub answers: Vec<Answer>,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Step {
    /// What it is about: `service`, `listener`, `route`, `timeout`, ...
    pub about: &'static str,
    /// What happens.
    pub text: String,
    /// The line that causes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// Parts of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Step>,
}

impl Step {
    /// A step that nobody configured.
    pub fn new(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), at: None, parts: Vec::new() }
    }

    /// The same, caused by a line.
    #[must_use]
    pub fn at(self, at: Option<At>) -> Self {
        Self { at, ..self }
    }
}

/// A line of the input, and the object that it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct At {
    /// `VirtualService default/reviews`.
    pub object: String,
    /// `spec.http[0]`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// `reviews.yaml:12:5`; empty for objects that are in no file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
}

impl At {
    /// From an origin; none for what the mesh does by itself.
    pub fn of(origin: &Origin) -> Option<Self> {
        let object = origin.object.as_ref()?;
        Some(Self {
            object: object.to_string(),
            field: origin.field.to_string(),
            place: origin.place().unwrap_or_default(),
        })
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.object)?;
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        if !self.place.is_empty() {
            write!(f, " ({})", self.place)?;
        }
        Ok(())
    }
}

/// A part of the requests that goes to one cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Destination {
    /// Its part of all such requests, 0 to 1.
    pub share: f64,
    /// The cluster.
    pub cluster: String,
    /// Full host name of the service; empty for clusters that are none of a service.
    pub host: String,
    /// Subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// Port.
    pub port: u16,
    /// Method and path as they are sent.
    pub path: String,
    /// Host as it is sent.
    pub authority: String,
    /// Header fields as they are sent.
    pub headers: BTreeMap<String, String>,
    /// True when every endpoint is called with mutual TLS of the mesh.
    pub mtls: bool,
    /// What happens on the client's side.
    pub steps: Vec<Step>,
    /// Where it may arrive.
    pub endpoints: Vec<Endpoint>,
    /// What happens on the server's side: equal ones once.
    pub servers: Vec<Server>,
    /// Why nothing arrives, when that is certain on the client's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// An address that may get the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Address and port.
    pub address: String,
    /// Its workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Whether it is called with mutual TLS.
    pub mtls: bool,
    /// Whether it takes traffic.
    pub healthy: bool,
}

/// What workloads do with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Server {
    /// The workloads.
    pub workloads: Vec<String>,
    /// True when the request reaches their process.
    pub allowed: bool,
    /// How it ends.
    pub result: String,
    /// The status that their proxy gives, when it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The rule that decided about access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<At>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A part of the requests that a proxy of the client's side answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Its part of all such requests, 0 to 1.
    pub share: f64,
    /// Status.
    pub status: u16,
    /// Why.
    pub why: String,
    /// The line that causes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}

impl Trace {
    /// All steps, in the order in which they are told.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        let of_destinations = self.destinations.iter().flat_map(|destination| {
            destination.steps.iter().chain(destination.servers.iter().flat_map(|server| &server.steps))
        });
        self.steps.iter().chain(of_destinations).flat_map(|step| std::iter::once(step).chain(&step.parts))
    }
}

/// `90%`, `33.3%`.
pub fn percent(share: f64) -> String {
    let rounded = (share * 1000.0).round() / 10.0;
    if (rounded - rounded.round()).abs() < 1e-9 { format!("{rounded:.0}%") } else { format!("{rounded:.1}%") }
}
