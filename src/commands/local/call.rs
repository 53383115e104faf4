//! `meshctl local call`

use clap::ValueEnum;

use super::answer;
use super::shared::{StateFlag, strange};
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::message::{Ask, Call, Outcome, Reply};
use crate::output::json;

/// Send requests from a workload of the local mesh, through its proxy
///
/// Shows the status, who answered, as whom the caller was known, and what was called on the way. Several requests (`-n`)
/// are counted by status and by who answered. `tcp://HOST:PORT` sends the data as it is. Applications take the headers
/// `x-local-status`, `x-local-delay` and `x-local-fail-first` (attempts that fail), for one workload with `x-local-at`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl local call --from productpage-v1 http://reviews:9080/reviews/0
  meshctl local call --from productpage-v1 http://reviews:9080/ -n 1000
  meshctl local call --from web http://api/orders -X POST -H 'end-user: jason' -d '{}'
  meshctl local call --from web http://api/ -H 'x-local-fail-first: 1'
  meshctl local call --from web tcp://db:5432 -d ping")]
pub struct Args {
    /// http://HOST[:PORT][/PATH] or tcp://HOST:PORT, with hosts as in the cluster
    url: String,

    /// The workload that sends: NAME or NAMESPACE/NAME
    #[arg(long, value_name = "WORKLOAD")]
    from: String,

    /// Method [default: GET, or POST with --data]
    #[arg(long, short = 'X', value_name = "METHOD")]
    request: Option<String>,

    /// Header, `NAME: VALUE`; may be given several times
    #[arg(long, short = 'H', value_name = "HEADER", value_parser = header)]
    header: Vec<(String, String)>,

    /// Body
    #[arg(long, short, value_name = "TEXT")]
    data: Option<String>,

    /// How many requests to send
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,

    /// Repeat until this status comes, for ten seconds at most: after a change of the manifests
    #[arg(long, value_name = "STATUS", conflicts_with = "count", value_parser = clap::value_parser!(u16).range(100..600))]
    until: Option<u16>,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    state: StateFlag,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header has the form `NAME: VALUE`")?;
    http::HeaderName::try_from(name.trim()).map_err(|error| error.to_string())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Sends, and prints what came. The exit is 1 when a request had no answer, or --until did not come.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let method = args.request.clone().unwrap_or_else(|| if args.data.is_some() { "POST" } else { "GET" }.to_owned());
    let call = Call {
        from: args.from.clone(),
        url: args.url.clone(),
        method,
        headers: args.header.clone(),
        body: args.data.clone().unwrap_or_default(),
        count: args.count,
        until: args.until,
    };
    let Reply::Outcomes(outcomes) = args.state.ask(&Ask::Call(call))? else { return Err(strange()) };
    match (args.output, &outcomes[..]) {
        (Format::Json, [one]) => json::write(ctx.ui.out(), one)?,
        (Format::Json, many) => json::write(ctx.ui.out(), &many)?,
        (Format::Text, [one]) => answer::outcome(ctx.ui.out(), one)?,
        (Format::Text, many) => answer::counted(ctx.ui.out(), many)?,
    }
    let bad =
        |outcome: &Outcome| outcome.error.is_some() || args.until.is_some_and(|status| outcome.status != Some(status));
    Ok(if outcomes.iter().any(bad) { Exit::Findings } else { Exit::Ok })
}
