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
    let mut chosen: Vec<&'static Analyzer> = Vec::new();
    for analyzer in names.iter().map(find) {
        let analyzer = analyzer?;
        if !chosen.iter().any(|other| other.name == analyzer.name) {
            chosen.push(analyzer);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::analyzers;

    #[test]
    fn an_analyzer_named_twice_runs_once() {
        let names = ["telemetry.ProviderAnalyzer", "applicationUID.Analyzer", "telemetry.ProviderAnalyzer"];
        let chosen = analyzers(&names.map(str::to_owned)).unwrap();
        assert_eq!(chosen.iter().map(|a| a.name).collect::<Vec<_>>(), names[..2]);
    }
}
