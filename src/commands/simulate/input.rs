//! The mesh that a question is about.

use std::path::{Path, PathBuf};

use crate::context::Ctx;
use crate::dialects::lower::lower;
use crate::dialects::model::{Model, Options};
use crate::failure::Failure;
use crate::ir::{AddressPlan, Mesh};
use crate::manifests::file;
use crate::manifests::input::{self, Format, InputFile, STDIN};

/// Where the mesh is described.
#[derive(Debug, Clone, clap::Args)]
pub struct InputArgs {
    /// Files and directories with manifests; `-` is standard input
    #[arg(long = "filename", short = 'f', value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,

    /// Ask a running cluster
    #[arg(long)]
    live: bool,

    /// Namespace of objects and workloads that name none
    #[arg(long, short = 'n', value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// Namespace of the control plane and of mesh-wide configuration
    #[arg(long, short = 'i', value_name = "NAMESPACE", default_value = "istio-system")]
    root_namespace: String,

    /// DNS suffix of the cluster's Services
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    cluster_domain: String,
}

impl InputArgs {
    /// The namespace of names that say none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// Reads the manifests and makes the model of them.
pub fn mesh(ctx: &mut Ctx, args: &InputArgs) -> Result<Mesh, Failure> {
    if args.live {
        let failure = Failure::usage("--live needs a connection to a cluster, which meshctl does not have yet");
        return Err(failure.hint("Pipe the objects in: kubectl get -A -o yaml KINDS | meshctl ... -f -"));
    }
    if args.files.is_empty() {
        return Err(
            Failure::usage("there is no input").hint("Name manifests: -f DIR, -f FILE, or -f - for standard input.")
        );
    }
    let model = model(ctx, args)?;
    Ok(lower(&model, Some(&AddressPlan::default())))
}

fn model(ctx: &mut Ctx, args: &InputArgs) -> Result<Model, Failure> {
    let mut model = Model::new(Options {
        default_namespace: args.namespace.clone(),
        root_namespace: args.root_namespace.clone(),
        cluster_domain: args.cluster_domain.clone(),
        ..Options::default()
    });
    let found = input::collect(&args.files, &|_: &Path| false);
    if let Some((path, error)) = found.errors.into_iter().next() {
        return Err(Failure::input(format!("cannot read `{}`: {error}", path.display())));
    }
    for file in &found.files {
        add(&mut model, file)?;
    }
    for unreadable in &model.unreadable {
        let source = model.sources.get(unreadable.file);
        let place = format!("{}:{}", source.name, source.line_col(unreadable.problem.span.start).line);
        ctx.ui.warn(format!("{place}: a document is left out, {}", unreadable.problem.reason))?;
    }
    Ok(model)
}

fn add(model: &mut Model, file: &InputFile) -> Result<(), Failure> {
    let limits = &model.options.limits;
    let stdin = file.path.as_os_str() == STDIN;
    let read =
        if stdin { file::read_stream(std::io::stdin().lock(), limits) } else { file::read_file(&file.path, limits) };
    let name = file.path.to_string_lossy().into_owned();
    let text = read.map_err(|error| Failure::input(format!("`{name}` {error}")))?;
    let format = file.format.unwrap_or_else(|| Format::of_text(&text));
    model.add(&name, text, format);
    Ok(())
}
