//! An expression that was checked, and its value for a request.

use cel::context::Context;
use cel::parser::Expression;
use cel::{ExecutionError, Value};

use super::attributes::Attributes;
use super::{check, syntax};
use crate::proto::Reader;

/// Longest text of an expression. With [`BRACKETS`] it bounds how deep the parser can get, and [`STACK`] is enough for that.
const LONGEST: usize = 4096;

/// Most brackets within each other.
const BRACKETS: usize = 32;

/// Stack of the thread that parses, bytes; what is not used costs nothing.
const STACK: usize = 256 * 1024 * 1024;

thread_local! {
    /// The functions, made once.
    static FUNCTIONS: Context<'static> = Context::default();
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Program(Expression);

impl Program {
    /// Reads an expression as text. The error says what is wrong with it, or what the proxy does not have.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the expression is longer than {LONGEST} bytes"));
        }
        if brackets(text) > BRACKETS {
            return Err("the expression is nested too deeply".into());
        }
        // The parser calls itself for each part: a long sum is as deep as it is long.
        let text = text.to_string();
        let parsed = std::thread::Builder::new().stack_size(STACK).spawn(move || parse(&text));
        let parsed = parsed.map_err(|error| format!("cannot be parsed: {error}"))?;
        parsed.join().unwrap_or_else(|_| Err("is no expression".into())).map(Self)
    }

    /// Reads an expression in its tree form, `google.api.expr.v1alpha1.Expr`. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        match check::check(syntax::read(reader)?) {
            Ok(expression) => Some(Self(expression)),
            Err(error) => {
                reader.defect("", error);
                None
            }
        }
    }

    fn value(&self, attributes: &Attributes<'_>) -> Result<Value, ExecutionError> {
        FUNCTIONS.with(|functions| {
            let mut context = functions.new_inner_scope();
            context.set_variable_resolver(attributes);
            context.resolve(&self.0)
        })
    }

    /// Whether the expression is true. None when it has no value, or one that is neither true nor false.
    pub fn holds(&self, attributes: &Attributes<'_>) -> Option<bool> {
        match self.value(attributes) {
            Ok(Value::Bool(value)) => Some(value),
            Ok(_) | Err(_) => None,
        }
    }

    /// The value as text. None when it has none, or one that is a list, a map or the like.
    pub fn text(&self, attributes: &Attributes<'_>) -> Option<String> {
        match self.value(attributes).ok()? {
            Value::String(text) => Some(text.to_string()),
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(number) => Some(number.to_string()),
            Value::UInt(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

fn parse(text: &str) -> Result<Expression, String> {
    let program = cel::Program::compile(text)
        .map_err(|error| format!("is no expression: {}", error.to_string().replace('\n', " ")))?;
    check::check(program.expression().clone())
}

/// How deep brackets stand within each other; those in texts count, too.
fn brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value as Json, json};

    use super::*;
    use crate::filters::http::testing;
    use crate::http::{Headers, ResponseHead};
    use crate::stream::{Exchange, Tls};

    fn exchange() -> Exchange {
        let fields = [("x-team", "blue"), ("user-agent", "curl"), ("content-length", "7")];
        let mut exchange = testing::exchange("GET", "/api/v1?q=1", &fields);
        exchange.info.metadata.insert("ns".into(), json!({ "n": 3, "deep": { "list": ["a"] } }));
        exchange.info.state.insert("key".into(), "text".into());
        exchange.info.state.insert("downstream_peer".into(), json!({ "workload": "web" }).to_string());
        exchange.info.response = Some(ResponseHead { status: http::StatusCode::OK, headers: Headers::new() });
        exchange.info.code = Some(503);
        exchange
    }

    fn holds(text: &str) -> Option<bool> {
        let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        program.holds(&Attributes::of_exchange(&exchange()))
    }

    #[test]
    fn attributes_have_envoys_names() {
        for text in [
            "request.path == '/api/v1?q=1' && request.url_path == '/api/v1' && request.query == 'q=1'",
            "request.method == 'GET' && request.host == 'example.com' && request.scheme == 'http'",
            "request.headers['x-team'] == 'blue' && 'x-none' in request.headers == false",
            "request.headers.exists(name, name == 'x-team') && request.useragent.startsWith('cu')",
            "request['headers']['x-team'].matches('^b') && request.size == 7",
            "source.address == '10.0.0.1:40000' && source.port == 40000 && destination.port == 8080",
            "!connection.mtls && connection.requested_server_name == ''",
            "response.code == 503 && response.code >= 400",
            "metadata.filter_metadata['ns']['n'] == 3.0 && metadata.filter_metadata.ns.deep.list[0] == 'a'",
            "filter_state['key'] == b'text' && string(filter_state['key']) == 'text'",
            "filter_state.downstream_peer.workload == 'web' && downstream_peer.workload == 'web'",
            "has(request.useragent) && !has(request.referer) && !has(request.headers.nothing)",
        ] {
            assert_eq!(holds(text), Some(true), "{text}");
        }
    }

    #[test]
    fn what_a_request_lacks_makes_no_value() {
        for text in [
            "request.headers['x-none'] == 'a'",
            "request.headers['x-none'] != 'a'",
            "connection.tls_version == ''",
            "request.referer == 'a'",
            "request.size",
            "request.path + 1 == ''",
            "!has(request.headers) && request.headers['x-none'] == 'a' || request.headers['x-none'] == 'b'",
        ] {
            assert_eq!(holds(text), None, "{text}");
        }
        assert_eq!(holds("request.headers['x-none'] == 'a' || true"), Some(true));
    }

    #[test]
    fn what_the_proxy_does_not_have_is_no_program() {
        for text in [
            "request.nothing == 'a'",
            "elsewhere == 1",
            "request",
            "request.path.lowerAscii() == 'a'",
            "request.time < timestamp('2020-01-01T00:00:00Z')",
            "request.path ==",
            "",
        ] {
            assert!(Program::parse(text).is_err(), "{text}");
        }
        let deep = format!("{}true{}", "(".repeat(2000), ")".repeat(2000));
        assert!(Program::parse(&deep).is_err());
        assert!(Program::parse(&format!("1{}", "+1".repeat(2000))).is_err());
    }

    #[test]
    fn certificates_are_attributes_of_the_connection() {
        let mut exchange = exchange();
        let mut connection = testing::connection();
        let uris = vec!["spiffe://a/ns/b/sa/c".into()];
        connection.tls = Some(Arc::new(Tls { verified: true, peer_uris: uris, ..Tls::default() }));
        exchange.connection = Arc::new(connection);
        let program = Program::parse("connection.mtls && connection.uri_san_peer_certificate.endsWith('/c')").unwrap();
        assert_eq!(program.holds(&Attributes::of_exchange(&exchange)), Some(true));
    }

    #[test]
    fn values_are_written_as_text() {
        let text = |text| Program::parse(text).unwrap().text(&Attributes::of_exchange(&exchange()));
        assert_eq!(text("request.host + '!'").as_deref(), Some("example.com!"));
        assert_eq!(text("response.code + 1").as_deref(), Some("504"));
        assert_eq!(text("request.method == 'GET' ? 'a' : 'b'").as_deref(), Some("a"));
        assert_eq!(text("request.headers"), None);
    }

    #[test]
    fn a_tree_means_what_its_text_means() {
        let select = |field: &str| json!({ "select_expr": { "operand": { "ident_expr": { "name": "request" } }, "field": field } });
        let equals = |left: Json, right: &str| json!({ "call_expr": { "function": "_==_", "args": [left, { "const_expr": { "string_value": right } }] } });
        let read = |json: &Json| testing::message("google.api.expr.v1alpha1.Expr", json, Program::read);
        assert_eq!(
            read(&equals(select("method"), "GET")),
            Program::parse("request.method == 'GET'").map_err(|_| vec![])
        );
        let index = json!({ "call_expr": { "function": "_[_]", "args": [select("headers"), { "const_expr": { "string_value": "x-team" } }] } });
        let both = json!({ "call_expr": { "function": "_&&_", "args": [equals(select("method"), "GET"), equals(index, "blue")] } });
        assert_eq!(read(&both).unwrap().holds(&Attributes::of_exchange(&exchange())), Some(true));
        for bad in [equals(select("nothing"), "a"), json!({}), json!({ "call_expr": { "function": "_==_" } })] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
