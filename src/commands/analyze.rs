//! `meshctl analyze`

mod input;
mod select;
mod sift;

use std::path::{Path, PathBuf};

use crate::analyzers::run as analysis;
use crate::config::{self, AnalyzeConfig, Exclude, Lower};
use crate::context::Ctx;
use crate::diagnostics::render::{self, Format, Report, Style};
use crate::dialects::model::{Model, Options};
use crate::exit::Exit;
use crate::failure::Failure;

use sift::Sieve;

/// Check manifests: what is rejected, what breaks traffic, what is open to the wrong people
///
/// Reads YAML, JSON, Markdown (fenced YAML blocks) and shell scripts (here-documents, and the commands themselves), all
/// taken as one input: a host, a subset or a selector is looked up in every file given. Needs no cluster. What the input
/// cannot answer (no Services at all, say) is said in one line instead of false alarms.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl analyze manifests/                     everything below a directory
  helm template ./chart | meshctl analyze -      what comes from another tool
  meshctl analyze -o sarif . > meshctl.sarif     for code scanning
  meshctl analyze --fix --dry-run manifests/     safe edits as a diff
  meshctl explain IST0101                        more about a code")]
pub struct Args {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "list_analyzers", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Run only this analyzer; may be repeated
    #[arg(long = "analyzer", value_name = "NAME")]
    analyzers: Vec<String>,

    /// List the analyzers and their codes
    #[arg(long, short = 'L')]
    list_analyzers: bool,

    /// Findings of all namespaces are always shown; accepted for scripts written for istioctl
    #[arg(long, short = 'A', hide = true)]
    all_namespaces: bool,

    /// Directories are always read with everything below; accepted for scripts written for istioctl
    #[arg(long, short = 'R', hide = true)]
    recursive: bool,

    /// Namespace of the control plane and of mesh-wide configuration
    #[arg(
        long,
        short = 'i',
        visible_alias = "istioNamespace",
        value_name = "NAMESPACE",
        default_value = "istio-system"
    )]
    root_namespace: String,

    /// DNS suffix of the cluster's Services
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    cluster_domain: String,

    /// Documents that cannot be read are reported and do not fail the run
    #[arg(long)]
    ignore_unknown: bool,

    /// Write the findings to this file instead of printing them; `--baseline` hides them from then on
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    write_baseline: Option<PathBuf>,

    /// Only files are analysed for now; accepted for scripts written for istioctl
    #[arg(long, short = 'k', value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, hide = true)]
    use_kube: bool,

    #[command(flatten)]
    settings: AnalyzeConfig,
}

/// Analyses the input and prints the findings; the exit code says how bad it is, whatever the output format.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    if args.list_analyzers {
        select::list(ctx)?;
        return Ok(Exit::Ok);
    }
    if args.use_kube {
        let failure = Failure::usage("analyze reads files, not a cluster");
        return Err(failure.hint("Pipe the objects in: kubectl get -A -o yaml KINDS | meshctl analyze -"));
    }
    let cwd = std::env::current_dir()?;
    let lower = Lower {
        named: ctx.global.config.as_deref(),
        files: !ctx.global.no_config,
        cwd: &cwd,
        variable: &config::env::variable,
    };
    let settings = config::load(args.settings.clone(), &lower)?;
    let analyzers = select::analyzers(&args.analyzers)?;
    let sieve = Sieve::new(&settings, args.write_baseline.as_deref())?;
    let exclude = Exclude::new(&settings.exclude, &cwd).map_err(Failure::usage)?;
    let mut model = Model::new(Options {
        default_namespace: settings.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        root_namespace: args.root_namespace.clone(),
        cluster_domain: args.cluster_domain.clone(),
        ..Options::default()
    });
    input::load(ctx, &mut model, &args.paths, &|path: &Path| exclude.matches(path))?;
    let sink = analysis::run(&model, &analyzers);
    let sifted = sieve.sift(ctx, &model, &analyzers, sink.findings)?;
    let read = if model.unreadable.is_empty() || args.ignore_unknown { Exit::Ok } else { Exit::Usage };
    if let Some(path) = &args.write_baseline {
        sift::write_baseline(ctx, &model, &sifted.shown, path)?;
        return Ok(read);
    }
    let report = Report {
        model: &model,
        findings: &sifted.shown,
        undecided: &sink.undecided,
        hidden: sifted.hidden,
        documents: model.metas().count() + model.untyped.len(),
        files: model.sources.len(),
    };
    let style = Style { colour: ctx.ui.out_has_color(), ..Style::default() };
    render::render(settings.output.unwrap_or(Format::Human), &report, style, ctx.ui.out())?;
    ctx.ui.flush()?;
    if !ctx.global.quiet {
        render::render_summary(&report, ctx.ui.err())?;
    }
    Ok(read.worse(if sifted.failed { Exit::Findings } else { Exit::Ok }))
}
