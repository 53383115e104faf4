//! Configuration: environment variables and meshctl.yaml. No other module reads the environment.

/// Environment variables that describe the surroundings.
pub mod env;
