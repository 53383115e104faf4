//! The two writers of a run. Both go through anstream: styles are written always and stripped where nobody wants them
//! (NO_COLOR, CLICOLOR=0, pipes, `--color never`; CLICOLOR_FORCE and `--color always` keep them).

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::pipe::Pipe;
use super::progress::Progress;

type Stream = AutoStream<Box<dyn Write + Send>>;

/// Terminal output. Made once in [`crate::cli`], handed to every command.
pub struct Ui {
    out: Stream,
    err: Stream,
    width: Option<u16>,
    show_progress: bool,
    quiet: bool,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("quiet", &self.quiet).finish_non_exhaustive()
    }
}

impl Ui {
    /// Writers on the process's stdout and stderr. `ci` says that a machine reads the log: no progress then.
    pub fn terminal(color: clap::ColorChoice, quiet: bool, ci: bool) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let out_choice = choice(color, &stdout);
        let err_choice = choice(color, &stderr);
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
        let show_progress = stderr.is_terminal() && !ci && !quiet;
        Self {
            out: AutoStream::new(Box::new(BufWriter::with_capacity(1 << 16, Pipe::new(stdout))), out_choice),
            err: AutoStream::new(Box::new(Pipe::new(stderr)), err_choice),
            width,
            show_progress,
            quiet,
        }
    }

    /// Writers into memory without colour, for tests: the `Ui`, what reached stdout, what reached stderr.
    pub fn captured() -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let ui = Self {
            out: AutoStream::never(Box::new(out.clone())),
            err: AutoStream::never(Box::new(err.clone())),
            width: None,
            show_progress: false,
            quiet: false,
        };
        (ui, out, err)
    }

    /// Data: what a script reads. Buffered; flushed when the command ends.
    pub const fn out(&mut self) -> &mut (impl Write + use<>) {
        &mut self.out
    }

    /// Errors and everything that is not data.
    pub const fn err(&mut self) -> &mut (impl Write + use<>) {
        &mut self.err
    }

    /// Whether styles written to [`Ui::out`] reach the reader.
    pub fn out_has_color(&self) -> bool {
        self.out.current_choice() != anstream::ColorChoice::Never
    }

    /// The columns of the terminal that [`Ui::out`] is, if it is one.
    pub fn out_width(&self) -> Option<u16> {
        self.width
    }

    /// One line on stderr that the reader may want to know; silent with `--quiet`.
    pub fn note(&mut self, text: impl fmt::Display) -> io::Result<()> {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        if self.quiet { Ok(()) } else { writeln!(self.err, "{style}note:{style:#} {text}") }
    }

    /// One line on stderr about something that looks wrong; shown with `--quiet` too.
    pub fn warn(&mut self, text: impl fmt::Display) -> io::Result<()> {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
        writeln!(self.err, "{style}warning:{style:#} {text}")
    }

    /// A progress bar on stderr over `total` steps, invisible unless a person is watching.
    pub fn progress(&self, total: u64, label: &'static str) -> Progress {
        Progress::new(total, label, self.show_progress)
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()
    }
}

/// What a captured [`Ui`] wrote.
#[derive(Debug, Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// The text so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The flag wins; `auto` asks anstream, which knows the environment variables and whether this is a terminal.
fn choice(flag: clap::ColorChoice, raw: &impl anstream::stream::RawStream) -> anstream::ColorChoice {
    match flag {
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
        clap::ColorChoice::Auto => AutoStream::choice(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_go_to_stderr_without_styles_when_captured() {
        let (mut ui, out, err) = Ui::captured();
        writeln!(ui.out(), "data").unwrap();
        ui.note("three files").unwrap();
        ui.flush().unwrap();
        assert_eq!((out.text().as_str(), err.text().as_str()), ("data\n", "note: three files\n"));
    }

    #[test]
    fn quiet_hides_notes_and_keeps_warnings() {
        let (mut ui, _, err) = Ui::captured();
        ui.quiet = true;
        ui.note("three files").unwrap();
        ui.warn("no Services").unwrap();
        assert_eq!(err.text(), "warning: no Services\n");
    }
}
