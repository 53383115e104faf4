//! What every command is given: the terminal and the global flags.

use std::path::PathBuf;

use clap::{Args, ColorChoice};

use crate::config::{self, AnalyzeConfig, Lower, Problem};
use crate::failure::Failure;
use crate::output::Ui;

/// Passed to every command's `run`.
#[derive(Debug)]
pub struct Ctx {
    /// Where output goes.
    pub ui: Ui,
    /// The flags that stand before or after any command.
    pub global: GlobalArgs,
}

impl Ctx {
    /// The settings of `meshctl analyze`: these flags, and below them the environment and meshctl.yaml.
    pub fn analyze_config(&self, flags: AnalyzeConfig) -> Result<AnalyzeConfig, Failure> {
        let cwd =
            std::env::current_dir().map_err(|source| Problem::Unreadable { path: "meshctl.yaml".into(), source })?;
        let lower = Lower {
            named: self.global.config.as_deref(),
            files: !self.global.no_config,
            cwd: &cwd,
            variable: &config::env::variable,
        };
        Ok(config::load(flags, &lower)?)
    }
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// When to use colour; `auto` honours NO_COLOR, CLICOLOR_FORCE and pipes
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// No progress and no notes on stderr, only errors
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Read this configuration file instead of the nearest meshctl.yaml
    #[arg(long, global = true, value_name = "FILE", env = "MESHCTL_CONFIG", hide_env_values = true, value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Read no configuration file, whatever --config or MESHCTL_CONFIG says
    #[arg(long, global = true)]
    pub no_config: bool,
}
