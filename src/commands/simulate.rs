//! `meshctl simulate`

pub mod input;

use std::io::Write;

use crate::config;
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{json, yaml};
use crate::simulate::{From, Graph, Question, Simulator, Target, graph, human};

/// Show what happens to a request, step by step, without sending it
///
/// Compiles the configuration of the proxies on the way (the client's and the servers'), reads it with the code that serves
/// traffic, and asks it: listener, route and the routes passed over, split, rewrites, limits, mutual TLS, access. Each step
/// names the line that causes it. Exit code 0 says that every such request is delivered, 1 that some are refused or lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl simulate --from productpage --to http://reviews:9080/reviews/1 -f manifests/
  meshctl simulate --from web.shop --to api.pay:8080/charge -X POST -H 'end-user: jason' -f .
  meshctl simulate --from outside --to http://shop.example/ -f . -o json
  meshctl simulate --from web --to api:80/admin --jwt-claims role=admin -f . --graph mermaid")]
pub struct Args {
    /// Who sends it: WORKLOAD, WORKLOAD.NAMESPACE, or `outside` for a request to a gateway
    #[arg(long, value_name = "WORKLOAD")]
    from: String,

    /// Where to, as the client writes it; without a scheme it is http
    #[arg(long, value_name = "URL")]
    to: Target,

    #[command(flatten)]
    request: RequestArgs,

    #[command(flatten)]
    input: input::InputArgs,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,

    /// A picture of the way instead of the steps
    #[arg(long, value_enum, value_name = "LANGUAGE", conflicts_with = "output")]
    graph: Option<Graph>,
}

/// The rest of the request.
#[derive(Debug, clap::Args)]
struct RequestArgs {
    /// Method
    #[arg(long = "request", short = 'X', value_name = "METHOD", default_value = "GET")]
    method: http::Method,

    /// A header field; may be repeated. `Host` takes the place of the URL's
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,

    /// Claims of a token that is valid, as NAME=VALUE (may be repeated) or as JSON
    #[arg(long = "jwt-claims", value_name = "CLAIMS")]
    claims: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For the terminal
    #[default]
    Human,
    /// One object
    Json,
    /// One document
    Yaml,
}

/// A terminal wider than this does not make steps easier to read.
const WIDTH: u16 = 100;

/// Answers the question and prints the answer.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let mesh = input::mesh(ctx, &args.input)?;
    let from = From::find(&mesh, &args.from, args.input.namespace()).map_err(unknown)?;
    let question = Question {
        from,
        to: args.to.clone(),
        method: args.request.method.clone(),
        headers: args.request.headers.iter().map(|text| header(text)).collect::<Result<_, _>>()?,
        claims: claims(&args.request.claims)?,
    };
    let trace = Simulator::new(&mesh).ask(&question).map_err(unknown)?;
    let width = usize::from(ctx.ui.out_width().unwrap_or(WIDTH).min(WIDTH));
    match (args.graph, args.output) {
        (Some(language), _) => ctx.ui.out().write_all(graph(&trace, language).as_bytes())?,
        (None, Format::Json) => json::write(ctx.ui.out(), &trace)?,
        (None, Format::Yaml) => yaml::write(ctx.ui.out(), &trace)?,
        (None, Format::Human) => {
            ctx.ui.out().write_all(human(&trace, width, config::env::has_unicode()).as_bytes())?;
        }
    }
    Ok(if trace.delivered { Exit::Ok } else { Exit::Findings })
}

fn unknown(error: crate::simulate::Unknown) -> Failure {
    let hint = error.hint.clone();
    Failure::usage(error).hint(hint)
}

fn header(text: &str) -> Result<(http::HeaderName, http::HeaderValue), Failure> {
    let wrong = || Failure::usage(format!("`{text}` is no header field")).hint("Write it as 'NAME: VALUE'.");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    Ok((name.trim().parse().map_err(|_| wrong())?, value.trim().parse().map_err(|_| wrong())?))
}

/// Claims as JSON, or as names and values; a value that is JSON is taken as such.
fn claims(texts: &[String]) -> Result<Option<serde_json::Map<String, serde_json::Value>>, Failure> {
    let mut all = serde_json::Map::new();
    for text in texts {
        if text.trim_start().starts_with('{') {
            let more: serde_json::Map<_, _> = serde_json::from_str(text)
                .map_err(|error| Failure::usage(format!("--jwt-claims `{text}` is no JSON object: {error}")))?;
            all.extend(more);
            continue;
        }
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--jwt-claims `{text}` is neither NAME=VALUE nor a JSON object")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        all.insert(name.to_owned(), value);
    }
    Ok((!texts.is_empty()).then_some(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_names_and_values_or_json() {
        let texts = ["role=admin", "age=7", r#"{"groups": ["a"]}"#].map(str::to_owned);
        let all = claims(&texts).unwrap().unwrap();
        assert_eq!(serde_json::Value::Object(all), serde_json::json!({"age": 7, "groups": ["a"], "role": "admin"}));
        assert!(claims(&["admin".to_owned()]).is_err());
        assert_eq!(claims(&[]).unwrap(), None);
    }
}
