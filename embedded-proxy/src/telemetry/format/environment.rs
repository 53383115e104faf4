//! Where `%ENVIRONMENT(NAME)%` reads: the program hands its reader over, this crate does not look at the environment.

use std::sync::OnceLock;

/// Gives the value of an environment variable.
pub type Environment = fn(&str) -> Option<String>;

static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();

/// Says how environment variables are read. The first call counts; without one no variable is set.
pub fn set_environment(reader: Environment) {
    let _ = ENVIRONMENT.set(reader);
}

/// The value of a variable.
pub fn variable(name: &str) -> Option<String> {
    ENVIRONMENT.get().and_then(|reader| reader(name))
}
