//! Cases: requests and what is expected of them, as people write them in YAML.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::find::Unknown;
use super::{From, Question};
use crate::ir::Mesh;

/// A file of cases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cases {
    /// Of people's own; `MeshTest` when it is there.
    #[serde(default)]
    pub kind: Option<String>,
    /// Who sends the requests of cases that do not say.
    #[serde(default)]
    pub from: Option<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One request and what is expected.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// Its name; the request when there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// `WORKLOAD`, `WORKLOAD.NAMESPACE` or `outside`.
    #[serde(default)]
    pub from: Option<String>,
    /// The request.
    pub request: Request,
    /// What is expected.
    pub expect: Expect,
}

/// A request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// Method; GET when it is not set.
    #[serde(default)]
    pub method: Option<String>,
    /// URL as the client writes it.
    pub url: String,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Claims of a token that is valid.
    #[serde(default)]
    pub jwt_claims: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What is expected; each field that is set must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expect {
    /// Host of the service that gets it, in full or short.
    #[serde(default)]
    pub destination: Option<String>,
    /// Subset.
    #[serde(default)]
    pub subset: Option<String>,
    /// Part of the requests that destination and subset get: `90%`, `90% ± 1%`. All when it is not set.
    #[serde(default)]
    pub share: Option<String>,
    /// Status; 200 stands for an answer of the workload.
    #[serde(default)]
    pub status: Option<u16>,
    /// Header fields as they are sent to the destination.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Path as it is sent to the destination.
    #[serde(default)]
    pub path: Option<String>,
    /// Whether mutual TLS is used.
    #[serde(default)]
    pub mtls: Option<bool>,
    /// Whether the request reaches a process.
    #[serde(default)]
    pub allowed: Option<bool>,
    /// What decided: the name of an object or of a rule, `KIND NAME`, or `KIND NAMESPACE/NAME`.
    #[serde(default)]
    pub by: Option<String>,
}

impl Cases {
    /// Reads a file; the error has line and column.
    pub fn read(text: &str) -> Result<Self, String> {
        #[allow(clippy::disallowed_methods, reason = "a file of this tool, no manifest; the error has its place")]
        let cases: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        match cases.kind.as_deref() {
            None | Some("MeshTest") => Ok(cases),
            Some(other) => Err(format!("the kind is {other}, not MeshTest")),
        }
    }
}

impl Case {
    /// Its name.
    pub fn title(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("{} {}", self.request.method.as_deref().unwrap_or("GET"), self.request.url))
    }

    /// The question that it asks. The error is a sentence.
    pub fn question(&self, mesh: &Mesh, usual: Option<&str>, namespace: &str) -> Result<Question, String> {
        let from = self.from.as_deref().or(usual).ok_or("it says neither here nor for the file who sends it (from)")?;
        let told = |error: Unknown| format!("{error}. {}", error.hint);
        let field = |(name, value): (&String, &String)| {
            let wrong = || format!("`{name}: {value}` is no header field");
            Ok::<_, String>((name.parse().map_err(|_| wrong())?, value.parse().map_err(|_| wrong())?))
        };
        let method = self.request.method.as_deref().unwrap_or("GET");
        Ok(Question {
            from: From::find(mesh, from, namespace).map_err(told)?,
            to: self.request.url.parse()?,
            method: method.parse().map_err(|_| format!("`{method}` is no method"))?,
            headers: self.request.headers.iter().map(field).collect::<Result<_, _>>()?,
            claims: self.request.jwt_claims.clone(),
        })
    }
}
