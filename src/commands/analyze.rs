//! `meshctl analyze`

mod fix;
mod input;
mod select;
mod sift;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::analyzers::run as analysis;
use crate::config::{self, AnalyzeConfig, Exclude};
use crate::context::Ctx;
use crate::diagnostics::Undecided;
use crate::diagnostics::render::{self, Format, Report, Style};
use crate::dialects::model::{Model, Options};
use crate::exit::Exit;
use crate::failure::Failure;

use sift::{Sieve, Sifted};

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

    /// Apply the edits that are safe, keep comments and layout, and report what is left
    #[arg(long, conflicts_with = "write_baseline")]
    fix: bool,

    /// With --fix: print the edits as a diff and change nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,

    /// A file with MeshConfig that stands for the one of the cluster; may also be given as --meshConfigFile
    #[arg(long, alias = "meshConfigFile", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    mesh_config: Option<PathBuf>,

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
    let settings = ctx.analyze_config(args.settings.clone())?;
    let analyzers = select::analyzers(&args.analyzers)?;
    let sieve = Sieve::new(&settings, args.write_baseline.as_deref())?;
    let exclude = Exclude::new(&settings.exclude, &cwd).map_err(Failure::usage)?;
    let options = Options {
        default_namespace: settings.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        root_namespace: args.root_namespace.clone(),
        cluster_domain: args.cluster_domain.clone(),
        ..Options::default()
    };
    let once = |ctx: &mut Ctx| -> Result<Run, Failure> {
        let mut model = Model::new(options.clone());
        input::load(ctx, &mut model, args, &|path: &Path| exclude.matches(path))?;
        let sink = analysis::run(&model, &analyzers);
        let sifted = sieve.sift(ctx, &model, &analyzers, sink.findings)?;
        Ok(Run { model, undecided: sink.undecided, sifted })
    };
    let mut run = once(ctx)?;
    let style = Style {
        colour: ctx.ui.out_has_color(),
        width: ctx.ui.out_width().unwrap_or(Style::default().width),
        unicode: config::env::has_unicode(),
    };
    if let Some(path) = &args.write_baseline {
        sift::write_baseline(ctx, &run.model, &run.sifted.shown, path)?;
        return Ok(run.readable(args));
    }
    if args.dry_run {
        fix::show(ctx, &run, style)?;
        return Ok(run.exit(args));
    }
    if args.fix {
        run = fix::apply(ctx, run, once)?;
    }
    let exit = run.exit(args);
    let report = Report {
        model: &run.model,
        findings: &run.sifted.shown,
        undecided: &run.undecided,
        hidden: run.sifted.hidden,
        documents: run.model.metas().count() + run.model.untyped.len(),
        files: run.model.sources.len(),
    };
    render::render(settings.output.unwrap_or(Format::Human), &report, style, ctx.ui.out())?;
    ctx.ui.flush()?;
    if !ctx.global.quiet {
        render::render_summary(&report, ctx.ui.err())?;
    }
    Ok(exit)
}

/// One pass over the input.
struct Run {
    model: Model,
    undecided: BTreeMap<Undecided, usize>,
    sifted: Sifted,
}

impl Run {
    fn readable(&self, args: &Args) -> Exit {
        if self.model.unreadable.is_empty() || args.ignore_unknown { Exit::Ok } else { Exit::Usage }
    }

    /// Findings weigh less than input that could not be read: nobody knows what that would have given.
    fn exit(&self, args: &Args) -> Exit {
        self.readable(args).worse(if self.sifted.failed { Exit::Findings } else { Exit::Ok })
    }
}
