//! Header changes (rule 16).

use crate::analyzers::schema::shared::{Report, headers};
use crate::dialects::istio::types::{HeaderOperations, Headers, HttpRoute};

/// Validates the changes of requests and responses.
pub fn validate(report: &mut Report<'_>, changes: Option<&Headers>) {
    let Some(changes) = changes else { return };
    if let Some(request) = &changes.request {
        operations(report, request, headers::request_change);
    }
    if let Some(response) = &changes.response {
        operations(report, response, headers::change);
    }
}

fn operations(
    report: &mut Report<'_>,
    operations: &HeaderOperations,
    name: fn(&str) -> crate::analyzers::schema::shared::Verdict,
) {
    for (key, value) in operations.add.iter().chain(operations.set.iter()) {
        report.verdict(key.span(), name(key.as_str()));
        report.verdict(value.span(), headers::value(value.as_str()));
    }
    report.each(&operations.remove, headers::change);
}

/// The host of a request is changed in one place only.
pub fn one_authority(report: &mut Report<'_>, route: &HttpRoute) {
    let rewrite = route.rewrite.as_ref().and_then(|r| r.authority.as_ref()).filter(|a| !a.as_str().is_empty());
    let Some(request) = route.headers.as_ref().and_then(|h| h.request.as_ref()) else { return };
    let changes = request.set.iter().chain(request.add.iter());
    let changes = changes.filter(|(key, _)| headers::is_authority(key.as_str())).map(|(key, _)| key.span());
    let mut places = rewrite.map(|a| a.place.entry()).into_iter().chain(changes);
    let (Some(first), Some(second)) = (places.next(), places.next()) else { return };
    let file = report.meta.file;
    report.error(second, "the host of the request is changed in two places, of which only one can win").related(
        file,
        first,
        "changed here too",
    );
}
