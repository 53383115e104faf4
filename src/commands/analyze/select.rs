//! Which analyzers run, and the list of them.

use std::io::Write;

use crate::analyzers::registry::{self, ANALYZERS, Analyzer};
use crate::context::Ctx;
use crate::failure::Failure;
use crate::near::nearest;

/// The analyzers by name, or the default ones when no name is given.
pub fn analyzers(names: &[String]) -> Result<Vec<&'static Analyzer>, Failure> {
    if names.is_empty() {
        return Ok(ANALYZERS.iter().copied().filter(|analyzer| analyzer.default).collect());
    }
    let find = |name: &String| {
        registry::analyzer(name).ok_or_else(|| {
            let failure = Failure::usage(format!("there is no analyzer `{name}`"));
            match nearest(name, ANALYZERS.iter().map(|a| a.name)) {
                Some(near) => failure.hint(format!("Did you mean `{near}`?")),
                None => failure.hint("`meshctl analyze -L` lists them."),
            }
        })
    };
    let mut chosen: Vec<&'static Analyzer> = names.iter().map(find).collect::<Result<_, _>>()?;
    chosen.dedup_by_key(|analyzer| analyzer.name);
    Ok(chosen)
}

/// Prints name, summary and codes of each analyzer: a line each, which fit any terminal.
pub fn list(ctx: &mut Ctx) -> Result<(), Failure> {
    let mut sorted: Vec<_> = ANALYZERS.to_vec();
    sorted.sort_by_key(|analyzer| analyzer.name);
    for analyzer in sorted {
        let codes: Vec<_> = analyzer.codes.iter().map(|code| code.code).collect();
        let only = if analyzer.default { "" } else { " (only when named)" };
        writeln!(ctx.ui.out(), "{}{only}\n    {}\n    {}", analyzer.name, analyzer.summary, codes.join(" "))?;
    }
    Ok(())
}
