//! `meshctl version`

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{json, yaml};

/// Print the version of meshctl
///
/// No cluster is asked, with or without --client.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  meshctl version --client\n  meshctl version -o json | jq -r .clientVersion.version"
)]
pub struct Args {
    /// Only the version of this program
    #[arg(long)]
    client: bool,

    /// Only the number, without the name and the platform
    #[arg(long, short)]
    short: bool,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Yaml,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    client_version: Version,
}

/// Key names as in `istioctl version -o json`, where it has them.
#[derive(Debug, Serialize)]
struct Version {
    #[serde(rename = "version")]
    number: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'static str>,
    platform: String,
}

/// Prints one line or one document.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let version = Version {
        number: env!("CARGO_PKG_VERSION"),
        // Set by the release build; a build from a checkout does not know its commit.
        revision: option_env!("MESHCTL_REVISION"),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    };
    let out = ctx.ui.out();
    match args.output {
        Format::Text if args.short => writeln!(out, "{}", version.number)?,
        Format::Text => {
            let revision = version.revision.map(|r| format!(" {r}")).unwrap_or_default();
            writeln!(out, "meshctl {}{revision} ({})", version.number, version.platform)?;
        }
        Format::Json => json::write(out, &Document { client_version: version })?,
        Format::Yaml => yaml::write(out, &Document { client_version: version })?,
    }
    Ok(Exit::Ok)
}
