//! Reads the files of a run into a model, with progress on long work.

use std::path::Path;

use super::Args;
use crate::context::Ctx;
use crate::dialects::model::Model;
use crate::failure::Failure;
use crate::manifests::file;
use crate::manifests::input::{self, Format, InputFile, STDIN};

/// Reads everything under `paths`. A file that cannot be read costs only itself: it is a finding, like an unreadable
/// document. Paths that do not exist, and input without any manifest, are failures: nothing was checked then.
pub fn load(ctx: &mut Ctx, model: &mut Model, args: &Args, exclude: &dyn Fn(&Path) -> bool) -> Result<(), Failure> {
    if args.fix && args.paths.iter().any(|path| path.as_os_str() == STDIN) {
        let failure = Failure::usage("standard input cannot be edited");
        return Err(failure.hint("Give the files by name, or leave --fix out."));
    }
    if let Some(path) = &args.mesh_config {
        let read = file::read_file(path, &model.options.limits);
        let text = read.map_err(|error| Failure::input(format!("the mesh config `{}` {error}", path.display())))?;
        model.add_mesh_config(&path.to_string_lossy(), text);
    }
    let found = input::collect(&args.paths, exclude);
    if let Some((path, error)) = found.errors.into_iter().next() {
        return Err(Failure::input(format!("cannot read `{}`: {error}", path.display())));
    }
    for skipped in &found.skipped {
        ctx.ui.note(format!(
            "`{}` {}: render it first (helm template ... | meshctl analyze -)",
            skipped.path.display(),
            skipped.reason
        ))?;
    }
    if found.files.is_empty() {
        let names: Vec<_> = args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let failure = Failure::input(format!("no manifests under {}", names.join(", ")));
        return Err(failure.hint("Directories are searched for .yaml, .yml, .json, .md and .sh files."));
    }
    let progress = ctx.ui.progress(found.files.len() as u64, "reading");
    for file in &found.files {
        add(model, file);
        progress.advance(1);
    }
    Ok(())
}

fn add(model: &mut Model, file: &InputFile) {
    let name = file.path.to_string_lossy();
    let text = if file.path.as_os_str() == STDIN {
        file::read_stream(std::io::stdin().lock(), &model.options.limits)
    } else {
        file::read_file(&file.path, &model.options.limits)
    };
    match text {
        Ok(text) => {
            let format = file.format.unwrap_or_else(|| Format::of_text(&text));
            model.add(&name, text, format);
        }
        Err(error) => model.add_unreadable(&name, &error),
    }
}
