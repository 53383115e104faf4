//! Authorization services that speak plain HTTP: the request's head, asked again at another place.

use ::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::{Answer, Outcome};
use super::config::{Shared, names};
use super::request::{Read, fields};
use crate::filters::http::call::{CallError, Retries, Target};
use crate::filters::http::edit::{Edit, How};
use crate::http::{Headers, RequestHead, ResponseHead};
use crate::matching::StringMatcher;
use crate::proto::Reader;
use crate::services::Services;

/// Largest answer, bytes.
const LIMIT: usize = 1024 * 1024;

/// Names in an answer that the request loses.
const REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// `HttpService`.
#[derive(Debug)]
pub(super) struct HttpService {
    target: Target,
    prefix: String,
    path: Option<String>,
    /// `authorization_request.allowed_headers`.
    pub(super) allowed: Option<Vec<StringMatcher>>,
    add: Headers,
    upstream: Vec<StringMatcher>,
    append: Vec<StringMatcher>,
    client: Option<Vec<StringMatcher>>,
    client_on_success: Vec<StringMatcher>,
    metadata: Vec<StringMatcher>,
    retries: Option<Retries>,
}

impl HttpService {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let (mut allowed, mut add) = (None, Headers::new());
        if let Some(request) = reader.message("authorization_request") {
            allowed = names(&request, "allowed_headers").ok()?;
            for field in request.list("headers_to_add") {
                let name = HeaderName::from_bytes(field.text("key").as_bytes());
                match (name, HeaderValue::from_str(&field.text("value"))) {
                    (Ok(name), Ok(value)) => add.set(name, value),
                    _ => field.defect("", "is no header field"),
                }
            }
        }
        let answer = reader.message("authorization_response");
        let list = |field| answer.as_ref().map_or(Ok(None), |answer| names(answer, field));
        let path = reader.opt_text("path_override");
        let prefix = reader.text("path_prefix");
        if !prefix.is_empty() && (!prefix.starts_with('/') || path.is_some()) {
            reader.defect("path_prefix", "must begin with / and stand without path_override");
        }
        Some(Self {
            target: Target::read(&reader.need("server_uri")?)?,
            prefix,
            path,
            allowed,
            add,
            upstream: list("allowed_upstream_headers").ok()?.unwrap_or_default(),
            append: list("allowed_upstream_headers_to_append").ok()?.unwrap_or_default(),
            client: list("allowed_client_headers").ok()?.filter(|list| !list.is_empty()),
            client_on_success: list("allowed_client_headers_on_success").ok()?.unwrap_or_default(),
            metadata: list("dynamic_metadata_from_headers").ok()?.unwrap_or_default(),
            retries: reader.message("retry_policy").map(|retries| Retries::read(&retries)),
        })
    }

    /// The request to the service.
    pub(super) fn request(&self, shared: &Shared, asked: &RequestHead, body: Option<&Read>) -> RequestHead {
        let mut head = self.target.head(Method::GET, Headers::new());
        for (name, value) in fields(shared, asked, body) {
            match name.as_str() {
                ":method" => head.method = asked.method.clone(),
                ":authority" => head.authority.clone_from(&asked.authority),
                ":path" => head.path = format!("{}{}", self.prefix, asked.path),
                "content-length" => {}
                name => {
                    if let (Ok(name), Ok(value)) =
                        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&value))
                    {
                        head.headers.add(name, value);
                    }
                }
            }
        }
        if let Some(path) = &self.path {
            head.path.clone_from(path);
        }
        for (name, value) in self.add.iter() {
            head.headers.set(name.clone(), value.clone());
        }
        head.headers.set(header::CONTENT_LENGTH, body.map_or(0, |body| body.bytes.len()).into());
        head
    }

    /// Asks the service.
    pub(super) async fn check(&self, services: &Services, head: RequestHead, body: Bytes) -> Answer {
        let mut tried = 0;
        loop {
            let answer = self.target.call(services, head.clone(), body.clone().into(), LIMIT).await;
            let failed = answer.as_ref().map_or(true, |(head, _)| head.status.is_server_error());
            tried += 1;
            let wait = self.retries.as_ref().filter(|_| failed).and_then(|retries| retries.wait(tried));
            let Some(wait) = wait else { return self.answer(answer) };
            tokio::time::sleep(wait).await;
        }
    }

    fn answer(&self, answer: Result<(ResponseHead, Bytes), CallError>) -> Answer {
        let (head, body) = match answer {
            Ok(answer) if !answer.0.status.is_server_error() => answer,
            Ok(_) => return Answer::of(Outcome::Error),
            Err(error) => {
                tracing::debug!(%error, "the authorization service failed");
                return Answer::of(Outcome::Error);
            }
        };
        let mut answer = if head.status == StatusCode::OK { self.accept(&head) } else { self.deny(&head, body) };
        answer.metadata = self.take_metadata(&head);
        answer
    }

    fn accept(&self, head: &ResponseHead) -> Answer {
        let mut answer = Answer::of(Outcome::Allowed);
        for (name, value) in head.headers.iter() {
            let edit = |how| Edit { name: name.as_str().into(), value: value.as_bytes().to_vec(), how };
            if *name == REMOVE {
                let names = value.to_str().unwrap_or_default().split(',');
                answer.removes.extend(names.map(|name| name.trim().to_string()).filter(|name| !name.is_empty()));
                continue;
            }
            if hits(&self.upstream, name) {
                answer.edits.push(edit(How::Set));
            }
            if hits(&self.append, name) {
                answer.edits.push(edit(How::Add));
            }
            if hits(&self.client_on_success, name) {
                answer.response.push(edit(How::Add));
            }
        }
        answer
    }

    fn deny(&self, head: &ResponseHead, body: Bytes) -> Answer {
        let mut answer = Answer::denied(head.status, body);
        for (name, value) in head.headers.iter() {
            let sent = match &self.client {
                None => *name != header::HOST,
                Some(client) => {
                    let always = [header::CONTENT_LENGTH, header::WWW_AUTHENTICATE, header::LOCATION];
                    always.contains(name) || hits(client, name)
                }
            };
            if sent {
                answer.edits.push(Edit { name: name.as_str().into(), value: value.as_bytes().to_vec(), how: How::Set });
            }
        }
        answer
    }

    fn take_metadata(&self, head: &ResponseHead) -> Map<String, Value> {
        let fields = head.headers.iter().filter(|(name, _)| hits(&self.metadata, name));
        fields.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect()
    }
}

fn hits(matchers: &[StringMatcher], name: &HeaderName) -> bool {
    matchers.iter().any(|matcher| matcher.matches(name.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filters::http::testing;

    fn service(more: &Value) -> HttpService {
        let mut json = json!({ "server_uri": { "uri": "http://authz/", "cluster": "authz", "timeout": "1s" } });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        testing::message("envoy.extensions.filters.http.ext_authz.v3.HttpService", &json, HttpService::read).unwrap()
    }

    #[allow(clippy::unnecessary_wraps)] // It is what a call gives.
    fn response(status: u16, fields: &[(&str, &str)]) -> Result<(ResponseHead, Bytes), CallError> {
        let headers = testing::head("GET", "/", fields).headers;
        Ok((ResponseHead { status: StatusCode::from_u16(status).unwrap(), headers }, Bytes::from_static(b"no")))
    }

    #[test]
    fn answers_are_filtered_by_name() {
        let service = service(&json!({ "authorization_response": {
            "allowed_upstream_headers": { "patterns": [{ "prefix": "x-user" }] },
            "allowed_client_headers_on_success": { "patterns": [{ "exact": "set-cookie" }] } } }));
        let fields = [("x-user", "u"), ("other", "o"), ("set-cookie", "c"), ("x-envoy-auth-headers-to-remove", "a, b")];
        let answer = service.answer(response(200, &fields));
        assert_eq!(answer.outcome, Outcome::Allowed);
        assert_eq!(answer.edits.iter().map(|edit| edit.name.as_str()).collect::<Vec<_>>(), ["x-user"]);
        assert_eq!(answer.response.iter().map(|edit| edit.name.as_str()).collect::<Vec<_>>(), ["set-cookie"]);
        assert_eq!(answer.removes, ["a", "b"]);
    }

    #[test]
    fn refusals_go_to_the_client_and_failures_do_not() {
        let service = service(&json!({}));
        let refused = service.answer(response(401, &[("www-authenticate", "Basic")]));
        assert_eq!(refused.outcome, Outcome::Denied { status: StatusCode::UNAUTHORIZED, body: "no".into() });
        assert_eq!(refused.edits.len(), 1);
        assert_eq!(service.answer(response(500, &[])).outcome, Outcome::Error);
        assert_eq!(service.answer(Err(CallError::NoHost("c".into()))).outcome, Outcome::Error);
    }
}
