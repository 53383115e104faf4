//! Trace contexts in header fields: W3C `traceparent`, and B3 in one field or in several.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue};

use crate::http::Headers;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const B3: HeaderName = HeaderName::from_static("b3");
const B3_TRACE: HeaderName = HeaderName::from_static("x-b3-traceid");
const B3_SPAN: HeaderName = HeaderName::from_static("x-b3-spanid");
const B3_PARENT: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// Which fields carried a context: an answer in the same way is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `traceparent`, or nothing yet.
    W3c,
    /// `b3`.
    B3Single,
    /// `x-b3-traceid` and others.
    B3Multi,
}

/// A span's place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanContext {
    /// Id of the trace, not 0.
    pub trace: [u8; 16],
    /// Id of the span, not 0.
    pub span: [u8; 8],
    /// Whether it is kept; none: who sent it left that to us (B3 only).
    pub sampled: Option<bool>,
    /// `tracestate`, passed on as it is.
    pub state: String,
    /// How it came.
    pub carrier: Carrier,
}

impl SpanContext {
    /// The context that a request carries. One that is malformed is none.
    pub fn extract(headers: &Headers) -> Option<Self> {
        if let Some(parent) = headers.get(&TRACEPARENT) {
            let (trace, span, sampled) = w3c(parent.to_str().ok()?)?;
            let name = TRACESTATE;
            let states: Vec<&str> = headers.all(&name).filter_map(|state| state.to_str().ok()).collect();
            return Some(Self { trace, span, sampled: Some(sampled), state: states.join(","), carrier: Carrier::W3c });
        }
        let (trace, span, sampled, carrier) = match headers.text(&B3) {
            Some(single) => {
                let (trace, span, sampled) = b3(single)?;
                (trace, span, sampled, Carrier::B3Single)
            }
            None => {
                let sampled = match (headers.text(&B3_FLAGS), headers.text(&B3_SAMPLED)) {
                    (Some("1"), _) => Some(true),
                    (_, Some(sampled)) => Some(decision(sampled)?),
                    _ => None,
                };
                let (trace, span) = (headers.text(&B3_TRACE)?, headers.text(&B3_SPAN)?);
                (b3_trace(trace)?, id(span)?, sampled, Carrier::B3Multi)
            }
        };
        Some(Self { trace, span, sampled, state: String::new(), carrier })
    }

    /// Writes the context into a request: `traceparent` always, B3 beside it when it came so.
    pub fn inject(&self, headers: &mut Headers) {
        let sampled = self.sampled.unwrap_or(false);
        let (trace, span) = (hex(&self.trace), hex(&self.span));
        set(headers, TRACEPARENT, &format!("00-{trace}-{span}-{}", if sampled { "01" } else { "00" }));
        set(headers, TRACESTATE, &self.state);
        let bit = if sampled { "1" } else { "0" };
        match self.carrier {
            Carrier::W3c => {}
            Carrier::B3Single => set(headers, B3, &format!("{trace}-{span}-{bit}")),
            Carrier::B3Multi => {
                headers.remove(&B3_PARENT);
                set(headers, B3_TRACE, &trace);
                set(headers, B3_SPAN, &span);
                set(headers, B3_SAMPLED, bit);
            }
        }
    }

    /// A new span under this one.
    pub fn child(&self) -> Self {
        Self { span: random_id(), ..self.clone() }
    }

    /// The first span of a new trace.
    pub fn root(sampled: bool) -> Self {
        let trace = loop {
            let random = fastrand::u128(..);
            if random != 0 {
                break random.to_be_bytes();
            }
        };
        Self { trace, span: random_id(), sampled: Some(sampled), state: String::new(), carrier: Carrier::W3c }
    }
}

fn set(headers: &mut Headers, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.set(name, value);
    }
}

fn random_id() -> [u8; 8] {
    loop {
        let random = fastrand::u64(..);
        if random != 0 {
            return random.to_be_bytes();
        }
    }
}

/// `00-TRACE-SPAN-FLAGS`. Later versions may have more parts; version ff is not allowed.
fn w3c(text: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known = version.len() == 2 && version != "ff" && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !known || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let [flags] = id::<1>(flags)?;
    Some((nonzero(id(trace)?)?, nonzero(id(span)?)?, flags & 1 == 1))
}

/// `TRACE-SPAN`, `TRACE-SPAN-SAMPLED` or `TRACE-SPAN-SAMPLED-PARENT`.
fn b3(text: &str) -> Option<([u8; 16], [u8; 8], Option<bool>)> {
    let mut parts = text.split('-');
    let (trace, span) = (b3_trace(parts.next()?)?, nonzero(id(parts.next()?)?)?);
    let sampled = match parts.next() {
        Some(sampled) => Some(decision(sampled)?),
        None => None,
    };
    Some((trace, span, sampled))
}

fn decision(text: &str) -> Option<bool> {
    match text {
        "1" | "d" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Trace ids of B3 may have 64 bits.
fn b3_trace(text: &str) -> Option<[u8; 16]> {
    if text.len() == 16 {
        let mut trace = [0; 16];
        trace[8..].copy_from_slice(&id::<8>(text)?);
        return nonzero(trace);
    }
    nonzero(id(text)?)
}

fn nonzero<const N: usize>(id: [u8; N]) -> Option<[u8; N]> {
    id.iter().any(|byte| *byte != 0).then_some(id)
}

fn id<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(id)
}

/// Lower case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> Headers {
        let field = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn contexts_come_in_three_forms_and_leave_in_the_same() {
        let w3c = format!("00-{TRACE}-{SPAN}-01");
        let single = format!("{TRACE}-{SPAN}-1");
        let forms = [
            headers(&[("traceparent", &w3c), ("tracestate", "a=b")]),
            headers(&[("b3", &single)]),
            headers(&[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")]),
        ];
        for fields in forms {
            let context = SpanContext::extract(&fields).unwrap();
            assert_eq!((hex(&context.trace).as_str(), hex(&context.span).as_str()), (TRACE, SPAN));
            assert_eq!(context.sampled, Some(true));
            let mut sent = fields.clone();
            let child = context.child();
            child.inject(&mut sent);
            assert_ne!(child.span, context.span);
            sent.remove(&TRACEPARENT);
            let again = if fields.has(&TRACEPARENT) { context.clone() } else { SpanContext::extract(&sent).unwrap() };
            assert_eq!(again.trace, context.trace);
        }
    }

    #[test]
    fn malformed_contexts_are_none() {
        let zero = format!("00-{}-{SPAN}-01", "0".repeat(32));
        for parent in ["", "00", "ff-", &zero, &format!("ff-{TRACE}-{SPAN}-01"), &format!("00-{TRACE}-{SPAN}-01-x")] {
            assert_eq!(SpanContext::extract(&headers(&[("traceparent", parent)])), None, "{parent}");
        }
        assert_eq!(SpanContext::extract(&headers(&[("b3", "0")])), None);
        let later = format!("01-{TRACE}-{SPAN}-00-more");
        assert_eq!(SpanContext::extract(&headers(&[("traceparent", &later)])).unwrap().sampled, Some(false));
        let short = [("x-b3-traceid", SPAN), ("x-b3-spanid", SPAN), ("x-b3-flags", "1")];
        assert_eq!(SpanContext::extract(&headers(&short)).unwrap().sampled, Some(true));
    }

    proptest! {
        #[test]
        fn no_field_makes_it_panic(value in "[0-9a-fd-]{0,60}") {
            for name in ["traceparent", "b3"] {
                SpanContext::extract(&headers(&[(name, &value)]));
            }
        }
    }
}
