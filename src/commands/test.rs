//! `meshctl test`

mod render;

use std::path::{Path, PathBuf};

use crate::commands::simulate::input::{self, InputArgs};
use crate::config;
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ir::Mesh;
use crate::manifests::file;
use crate::manifests::input::collect;
use crate::manifests::limits::Limits;
use crate::simulate::{Case, Cases, Coverage, Simulator, Trace, differences};

/// Run cases: requests, and what the mesh is expected to do with them
///
/// Cases are YAML files named `*.mesh-test.yaml`. Each is answered as `meshctl simulate` does it, without a cluster, and the
/// answer is compared with what is expected. Without -f the manifests are those beside the cases.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl test mesh/                                 cases and manifests of one directory
  meshctl test tests/ -f manifests/ -o junit         for CI
  meshctl test mesh/ --coverage --fail-under 80      routes and rules that no case reaches

A file of cases:
  from: productpage
  cases:
  - name: jason sees v2
    request: {url: http://reviews:9080/, headers: {end-user: jason}}
    expect: {destination: reviews, subset: v2, mtls: true}
  - name: a tenth goes to v3
    request: {url: http://reviews:9080/}
    expect: {destination: reviews, subset: v3, share: 10% ± 1%}")]
pub struct Args {
    /// Files and directories with cases
    #[arg(value_name = "DIR", required = true, value_hint = clap::ValueHint::AnyPath)]
    cases: Vec<PathBuf>,

    #[command(flatten)]
    input: InputArgs,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,

    /// Tell which routes and rules no case reaches
    #[arg(long)]
    coverage: bool,

    /// Fail when cases reach less than this part of the routes and rules
    #[arg(long, value_name = "PERCENT")]
    fail_under: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line each, and the steps of those that fail
    #[default]
    Human,
    /// One object
    Json,
    /// JUnit XML
    Junit,
}

/// How a case ended.
struct Outcome {
    file: String,
    name: String,
    /// What differs; empty when it passes.
    differences: Vec<String>,
    trace: Option<Trace>,
}

/// Runs all cases and prints how they end.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let files = read(&args.cases)?;
    let mut manifests = args.input.clone();
    if manifests.files.is_empty() {
        manifests.files.clone_from(&args.cases);
    }
    let mesh = input::mesh(ctx, &manifests)?;
    let simulator = Simulator::new(&mesh);
    let mut coverage = Coverage::new(&mesh);
    let mut outcomes = Vec::new();
    for (file, cases) in &files {
        for case in &cases.cases {
            let (differences, trace) = answer(&mesh, &simulator, case, cases.from.as_deref(), args.input.namespace());
            if let Some(trace) = &trace {
                coverage.note(trace);
            }
            outcomes.push(Outcome { file: file.clone(), name: case.title(), differences, trace });
        }
    }
    let told = (args.coverage || args.fail_under.is_some()).then_some(&coverage);
    match args.output {
        Format::Human => render::human(ctx, &outcomes, told, config::env::has_unicode())?,
        Format::Json => render::json(ctx, &outcomes, told)?,
        Format::Junit => render::junit(ctx, &outcomes)?,
    }
    let failed = outcomes.iter().any(|outcome| !outcome.differences.is_empty());
    let uncovered = args.fail_under.is_some_and(|least| coverage.percent() < least);
    Ok(if failed || uncovered { Exit::Findings } else { Exit::Ok })
}

fn answer(
    mesh: &Mesh,
    simulator: &Simulator<'_>,
    case: &Case,
    usual: Option<&str>,
    namespace: &str,
) -> (Vec<String>, Option<Trace>) {
    let question = match case.question(mesh, usual, namespace) {
        Ok(question) => question,
        Err(why) => return (vec![why], None),
    };
    match simulator.ask(&question) {
        Ok(trace) => (differences(&case.expect, &trace), Some(trace)),
        Err(error) => (vec![format!("{error}. {}", error.hint)], None),
    }
}

/// The cases of all files, by the name of the file.
fn read(paths: &[PathBuf]) -> Result<Vec<(String, Cases)>, Failure> {
    let found = collect(paths, &|_: &Path| false);
    if let Some((path, error)) = found.errors.into_iter().next() {
        return Err(Failure::input(format!("cannot read `{}`: {error}", path.display())));
    }
    let mut all = Vec::new();
    for file in found.files.iter().filter(|file| is_cases(&file.path) || paths.contains(&file.path)) {
        let name = file.path.display().to_string();
        let text = file::read_file(&file.path, &Limits::default());
        let text = text.map_err(|error| Failure::input(format!("`{name}` {error}")))?;
        let cases =
            Cases::read(&text).map_err(|error| Failure::input(format!("`{name}` is no file of cases: {error}")))?;
        all.push((name, cases));
    }
    if all.is_empty() {
        let failure = Failure::input("there are no cases");
        return Err(failure.hint("Cases are files named *.mesh-test.yaml; `meshctl test --help` shows one."));
    }
    Ok(all)
}

fn is_cases(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with(".mesh-test.yaml") || name.ends_with(".mesh-test.yml")
}
