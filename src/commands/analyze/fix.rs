//! `--fix` and `--fix --dry-run`: the safe edits of the findings shown.

use std::io::Write;

use super::Run;
use crate::context::Ctx;
use crate::diagnostics::fix::{self, Refused};
use crate::diagnostics::render::Style;
use crate::failure::Failure;
use crate::output::amount;

/// An edit may make way for another one in the same place; nothing real takes more rounds than this.
const ROUNDS: usize = 10;

/// Prints the edits as a unified diff and changes nothing.
pub fn show(ctx: &mut Ctx, run: &Run, style: Style) -> Result<(), Failure> {
    let plan = fix::plan(&run.model, &run.sifted.shown);
    fix::render_diff(&plan.changes, style, ctx.ui.out())?;
    ctx.ui.flush()?;
    fix::render_refused(&plan.refused, ctx.ui.err())?;
    let findings: usize = plan.changes.iter().map(|change| change.findings).sum();
    report(ctx, "would mend", findings, plan.changes.len())
}

/// Applies the edits, analyses again, and gives what is left. `again` repeats the run on the files as they are then.
pub fn apply(
    ctx: &mut Ctx,
    mut run: Run,
    mut again: impl FnMut(&mut Ctx) -> Result<Run, Failure>,
) -> Result<Run, Failure> {
    let (mut findings, mut files) = (0, 0);
    let mut refused: Vec<Refused> = Vec::new();
    for _ in 0..ROUNDS {
        let plan = fix::plan(&run.model, &run.sifted.shown);
        let applied = plan.write();
        findings += applied.findings;
        files = files.max(applied.files);
        refused = plan.refused;
        refused.extend(applied.refused);
        if applied.files == 0 {
            break;
        }
        run = again(ctx)?;
        if plan.deferred == 0 {
            break;
        }
    }
    fix::render_refused(&refused, ctx.ui.err())?;
    report(ctx, "mended", findings, files)?;
    Ok(run)
}

fn report(ctx: &mut Ctx, verb: &str, findings: usize, files: usize) -> Result<(), Failure> {
    if !ctx.global.quiet {
        let (findings, files) = (amount(findings, "finding"), amount(files, "file"));
        writeln!(ctx.ui.err(), "--fix {verb} {findings} in {files}.")?;
    }
    Ok(())
}
