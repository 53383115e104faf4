//! `meshctl man`

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use clap_mangen::Man;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

/// Write the manual pages into a directory
///
/// One page per command. The directory is made if it does not exist; pages of the same name are replaced.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  meshctl man ~/.local/share/man/man1\n  man meshctl-version")]
pub struct Args {
    /// The directory, for instance a `man1` directory in $MANPATH
    #[arg(value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
}

/// Writes the pages and says how many on stderr.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let pages = pages()?;
    let failed =
        |error: io::Error| Failure::input(format!("cannot write man pages to {}: {error}", args.dir.display()));
    fs::create_dir_all(&args.dir).map_err(failed)?;
    for (name, page) in &pages {
        fs::write(args.dir.join(name), page).map_err(failed)?;
    }
    ctx.ui.note(format_args!("{} pages in {}", pages.len(), args.dir.display()))?;
    Ok(Exit::Ok)
}

/// Every page by its file name: `meshctl.1`, `meshctl-version.1`, ...
pub fn pages() -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut root = crate::cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = BTreeMap::new();
    render(&root, "meshctl", &mut pages)?;
    Ok(pages)
}

/// Adds the page of `command` and those below it. `name` joins the words of the command with dashes.
fn render(command: &clap::Command, name: &str, pages: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for child in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        let child_name = format!("{name}-{}", child.get_name());
        render(child, &child_name, pages)?;
    }
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name.to_owned()))
        .title(name)
        .source(concat!("meshctl ", env!("CARGO_PKG_VERSION")))
        .manual("meshctl manual")
        .render(&mut page)?;
    pages.insert(format!("{name}.1"), verbatim_example(&String::from_utf8_lossy(&page)).into_bytes());
    Ok(())
}

/// clap_mangen puts the text after the options under EXTRA and lets the reader's terminal re-wrap it; an example must
/// keep its lines.
fn verbatim_example(page: &str) -> String {
    match page.split_once(".SH EXTRA\nExample:\n") {
        Some((before, example)) => {
            let end = example.find("\n.SH").map_or(example.len(), |at| at + 1);
            format!("{before}.SH EXAMPLE\n.nf\n{}.fi\n{}", with_newline(&example[..end]), &example[end..])
        }
        None => page.replace(".SH EXTRA\n", ".SH NOTES\n"),
    }
}

fn with_newline(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn examples_keep_their_lines() {
        let pages = super::pages().unwrap();
        let page = String::from_utf8(pages["meshctl-version.1"].clone()).unwrap();
        assert!(page.contains(".SH EXAMPLE\n.nf\n  meshctl version"), "{page}");
        assert!(page.trim_end().contains(".fi"), "{page}");
    }
}
