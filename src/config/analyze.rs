//! The settings of `meshctl analyze`: one type for its flags, its environment variables and its part of meshctl.yaml.

use std::path::PathBuf;

use super::exclude::anchored;
use super::key::{Key, Setter};
use crate::diagnostics::Level;
use crate::diagnostics::render::Format;

/// Every value may be absent in each layer. As clap arguments (`#[command(flatten)]`) these are the highest layer;
/// [`load`](super::load) puts the others below.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Settings (also in meshctl.yaml and MESHCTL_ANALYZE_*)")]
pub struct AnalyzeConfig {
    /// How to print findings [default: human]
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Print findings of this level and above: info, warning or error [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub output_threshold: Option<Level>,

    /// Exit with 1 for findings of this level and above: info, warning or error [default: error]
    #[arg(long, value_name = "LEVEL")]
    pub failure_threshold: Option<Level>,

    /// Hide a code on the resources that match, such as `IST0102=Namespace test*`; may be repeated
    #[arg(long, short = 'S', value_name = "CODE=GLOB")]
    pub suppress: Vec<String>,

    /// Hide the findings that this file lists (see --write-baseline)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,

    /// The namespace of objects that name none [default: default]
    #[arg(long, short)]
    pub namespace: Option<String>,

    /// Skip files that match, such as `testdata/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
}

/// The keys under `analyze:` in meshctl.yaml. The environment variable of `output-threshold` is
/// `MESHCTL_ANALYZE_OUTPUT_THRESHOLD`.
pub(super) const KEYS: &[Key<AnalyzeConfig>] = &[
    Key { name: "baseline", set: Setter::One(|config, text, dir| set(&mut config.baseline, dir.join(text))) },
    Key { name: "exclude", set: Setter::Many(|config| &mut config.exclude, anchored) },
    Key { name: "failure-threshold", set: Setter::One(|config, text, _| parse(&mut config.failure_threshold, text)) },
    Key { name: "namespace", set: Setter::One(|config, text, _| set(&mut config.namespace, text.to_owned())) },
    Key { name: "output", set: Setter::One(|config, text, _| parse(&mut config.output, text)) },
    Key { name: "output-threshold", set: Setter::One(|config, text, _| parse(&mut config.output_threshold, text)) },
    Key { name: "suppress", set: Setter::Many(|config| &mut config.suppress, |text, _| text.to_owned()) },
];

#[allow(clippy::unnecessary_wraps, reason = "an arm of the table above")]
fn set<T>(field: &mut Option<T>, value: T) -> Result<(), String> {
    *field = Some(value);
    Ok(())
}

fn parse<T: std::str::FromStr<Err = String>>(field: &mut Option<T>, text: &str) -> Result<(), String> {
    *field = Some(text.parse()?);
    Ok(())
}

impl AnalyzeConfig {
    /// This layer where it says something, `below` elsewhere. Lists add up: a flag cannot take back a suppression that
    /// the team agreed on in meshctl.yaml (`--no-config` can).
    #[must_use]
    pub fn over(mut self, below: Self) -> Self {
        Self {
            output: self.output.or(below.output),
            output_threshold: self.output_threshold.or(below.output_threshold),
            failure_threshold: self.failure_threshold.or(below.failure_threshold),
            suppress: {
                self.suppress.extend(below.suppress);
                self.suppress
            },
            baseline: self.baseline.or(below.baseline),
            namespace: self.namespace.or(below.namespace),
            exclude: {
                self.exclude.extend(below.exclude);
                self.exclude
            },
        }
    }
}
