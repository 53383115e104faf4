//! Output: data on stdout, progress and notes on stderr, nothing anywhere else.

mod amount;
/// Files written as a whole or not at all.
pub mod file;
/// The JSON writer.
pub mod json;
mod pipe;
/// Progress bars.
pub mod progress;
/// Tables.
pub mod table;
/// The writers and their colour.
pub mod ui;
/// Prose broken into lines.
pub mod wrap;
/// The YAML writer.
pub mod yaml;

pub use amount::amount;
pub use progress::Progress;
pub use ui::Ui;
