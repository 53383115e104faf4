//! From all findings to those that are shown: suppressions, the baseline, the output threshold.

use std::io::Write;
use std::path::Path;

use crate::analyzers::registry::Analyzer;
use crate::config::AnalyzeConfig;
use crate::context::Ctx;
use crate::diagnostics::baseline::{self, Baseline};
use crate::diagnostics::render::Hidden;
use crate::diagnostics::suppress::{self, Rule};
use crate::diagnostics::{Code, Diagnostic, Level};
use crate::dialects::model::Model;
use crate::failure::Failure;
use crate::output::amount;

/// What the settings say about findings, checked before any work is done.
pub struct Sieve<'s> {
    rules: Vec<Rule>,
    baseline: Option<(Baseline, &'s Path)>,
    failure: Level,
    output: Level,
}

/// The findings to show and what became of the others.
pub struct Sifted {
    /// Those to show, in order.
    pub shown: Vec<Diagnostic>,
    /// The others.
    pub hidden: Hidden,
    /// True when a finding reaches the failure threshold, shown or not: the output threshold is for readers only.
    pub failed: bool,
}

impl<'s> Sieve<'s> {
    /// Reads the suppressions and the baseline; `fresh` is the baseline to write, which hides nothing.
    pub fn new(settings: &'s AnalyzeConfig, fresh: Option<&Path>) -> Result<Self, Failure> {
        let rules = settings.suppress.iter().map(|text| Rule::parse(text)).collect::<Result<_, _>>()?;
        let baseline = match settings.baseline.as_deref().filter(|_| fresh.is_none()) {
            Some(path) => Some((Baseline::read(path)?, path)),
            None => None,
        };
        Ok(Self {
            rules,
            baseline,
            failure: settings.failure_threshold.unwrap_or(Level::Error),
            output: settings.output_threshold.unwrap_or(Level::Info),
        })
    }

    /// Sifts the findings of one run. Baseline entries that no longer occur are told on stderr.
    pub fn sift(
        &self,
        ctx: &mut Ctx,
        model: &Model,
        analyzers: &[&'static Analyzer],
        findings: Vec<Diagnostic>,
    ) -> Result<Sifted, Failure> {
        let outcome = suppress::apply(model, &self.rules, analyzers, findings);
        let mut hidden = Hidden { suppressed: outcome.suppressed, ..Hidden::default() };
        let mut shown = outcome.findings;
        if let Some((baseline, path)) = &self.baseline {
            let checked: Vec<&'static Code> = analyzers.iter().flat_map(|analyzer| analyzer.codes).copied().collect();
            let applied = baseline.apply(model, &checked, shown);
            shown = applied.findings;
            hidden.baseline = applied.known;
            if !ctx.global.quiet {
                baseline::render_fixed(&applied.fixed, path, ctx.ui.err())?;
            }
        }
        let failed = shown.iter().any(|finding| finding.level >= self.failure);
        let before = shown.len();
        shown.retain(|finding| finding.level >= self.output);
        hidden.threshold = before - shown.len();
        Ok(Sifted { shown, hidden, failed })
    }
}

/// Writes the findings of this run as the new baseline; from then on they are known.
pub fn write_baseline(ctx: &mut Ctx, model: &Model, findings: &[Diagnostic], path: &Path) -> Result<(), Failure> {
    let baseline = Baseline::of(model, findings);
    baseline.write(path)?;
    if !ctx.global.quiet {
        let (count, path) = (amount(baseline.len(), "finding"), path.display());
        writeln!(ctx.ui.err(), "{count} written to `{path}`: `--baseline {path}` hides them.")?;
    }
    Ok(())
}
