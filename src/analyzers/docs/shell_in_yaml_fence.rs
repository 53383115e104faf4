//! DOC0011: blocks hold the language that their fence names.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// Shell commands in a block that promises YAML
    ///
    /// ## Why
    ///
    /// The block does not parse as YAML. Whoever copies it, or extracts the YAML blocks to apply or check them, gets an
    /// error.
    ///
    /// ## Bad
    ///
    /// ````markdown
    /// ```yaml
    /// kubectl get pods
    /// ```
    /// ````
    ///
    /// ## Good
    ///
    /// ````markdown
    /// ```sh
    /// kubectl get pods
    /// ```
    /// ````
    ///
    /// ## Fix
    ///
    /// Name the language that the block holds, and give a manifest a block of its own.
    pub SHELL_IN_YAML = "DOC0011", "ShellInYamlFence", Warning
}

/// Reports shell commands in a block that promises YAML.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ShellInYamlFence",
    summary: "Blocks hold the language that their fence names",
    codes: &[&SHELL_IN_YAML],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for block in &cx.misfenced {
        let written = cx.sources.get(block.file).slice(block.info);
        let message = "The block promises YAML and holds shell commands: it does not parse.";
        let finding = sink.report_at(&SHELL_IN_YAML, block.file, block.info, message);
        finding.label("not YAML");
        if block.only_commands && matches!(written, "yaml" | "yml") {
            finding.help("Call it `sh`.").replace(block.info, "sh");
        } else {
            finding.help("Call it `sh`, and give the manifest a block of its own.");
        }
    }
}
