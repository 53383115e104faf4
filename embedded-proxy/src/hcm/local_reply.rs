//! How a connection manager rewrites the answers that the proxy gives itself: `local_reply_config`.
//!
//! The first mapper whose filter takes the reply changes status, body and headers; then the body format is applied.

use http::{HeaderValue, StatusCode};

use crate::http::{Headers, Reply, ResponseHead};
use crate::proto::Reader;
use crate::route::Addition;
use crate::stream::Exchange;
use crate::telemetry::access_log::Filter;
use crate::telemetry::format::{FormatContext, Substitution};

/// All rules.
#[derive(Debug, Default)]
pub struct LocalReplies {
    mappers: Vec<Mapper>,
    body: Option<BodyFormat>,
}

#[derive(Debug)]
struct Mapper {
    filter: Filter,
    status: Option<StatusCode>,
    body: Option<String>,
    format: Option<BodyFormat>,
    headers: Vec<Addition>,
}

#[derive(Debug)]
struct BodyFormat {
    format: Substitution,
    content_type: HeaderValue,
}

impl LocalReplies {
    /// Reads the field of `HttpConnectionManager`.
    pub(super) fn read(hcm: &Reader<'_>) -> Option<Self> {
        let Some(reader) = hcm.message("local_reply_config") else { return Some(Self::default()) };
        let mappers: Vec<Option<Mapper>> = reader.list("mappers").iter().map(Mapper::read).collect();
        let body = match reader.message("body_format") {
            Some(format) => Some(BodyFormat::read(&format)?),
            None => None,
        };
        Some(Self { mappers: mappers.into_iter().collect::<Option<_>>()?, body })
    }

    /// Rewrites a reply to the exchange.
    pub fn apply(&self, exchange: &mut Exchange, reply: &mut Reply) {
        if self.mappers.is_empty() && self.body.is_none() {
            return;
        }
        let mut format = self.body.as_ref();
        let mut added = Vec::new();
        exchange.info.code = Some(reply.status.as_u16());
        let mapper = self.mappers.iter().find(|mapper| {
            let head = ResponseHead { status: reply.status, headers: Headers::new() };
            let context = FormatContext { response: Some(&head), ..FormatContext::of(exchange) };
            mapper.filter.takes(&context)
        });
        if let Some(mapper) = mapper {
            reply.status = mapper.status.unwrap_or(reply.status);
            exchange.info.code = Some(reply.status.as_u16());
            if let Some(body) = &mapper.body {
                reply.body = body.clone().into();
            }
            format = mapper.format.as_ref().or(format);
            added = mapper.headers.iter().collect();
        }
        let head = ResponseHead { status: reply.status, headers: Headers::new() };
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let context = FormatContext { response: Some(&head), local_reply_body: &text, ..FormatContext::of(exchange) };
        for added in added {
            added.apply(&mut reply.headers, &context);
        }
        if let Some(format) = format {
            let mut body = String::new();
            format.format.render(&context, &mut body);
            reply.body = body.into();
            reply.content_type = Some(format.content_type.clone());
        }
    }
}

impl Mapper {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let filter = Filter::read(&reader.need("filter")?)?;
        let status = match reader.u32("status_code") {
            Some(code) => match u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok()) {
                Some(status) => Some(status),
                None => {
                    reader.defect("status_code", format!("{code} is no status code"));
                    return None;
                }
            },
            None => None,
        };
        let body = match reader.message("body") {
            Some(source) => Some(String::from_utf8_lossy(&source.data()?).into_owned()),
            None => None,
        };
        let format = match reader.message("body_format_override") {
            Some(format) => Some(BodyFormat::read(&format)?),
            None => None,
        };
        let headers: Vec<Option<Addition>> = reader.list("headers_to_add").iter().map(Addition::read).collect();
        Some(Self { filter, status, body, format, headers: headers.into_iter().collect::<Option<_>>()? })
    }
}

impl BodyFormat {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.opt_text("content_type");
        let format = Substitution::read(reader)?;
        let default = match format {
            Substitution::Text(_) => "text/plain",
            Substitution::Json(_) => "application/json",
        };
        match HeaderValue::try_from(kind.unwrap_or_else(|| default.into())) {
            Ok(content_type) => Some(Self { format, content_type }),
            Err(_) => {
                reader.defect("content_type", "is no value of a header field");
                None
            }
        }
    }
}
