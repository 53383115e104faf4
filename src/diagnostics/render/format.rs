//! The names of the output formats.

use std::str::FromStr;

use clap::ValueEnum;

/// The output formats of findings. `log` and `text` mean the readable one, as in istioctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Snippets of the source with the finding underlined, for people
    #[default]
    #[value(aliases = ["log", "text"])]
    Human,
    /// One line a finding
    Concise,
    /// One JSON document, with istioctl's keys
    Json,
    /// The same as YAML
    Yaml,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI systems that show test results
    Junit,
    /// Annotations of a GitHub pull request
    Github,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ValueEnum::from_str(text, true).map_err(|_: String| {
            let names =
                Self::value_variants().iter().filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned()));
            format!("{text:?} is no output format: use {}", names.collect::<Vec<_>>().join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_names_of_istioctl_are_accepted() {
        assert_eq!("log".parse(), Ok(Format::Human));
        assert_eq!("text".parse(), Ok(Format::Human));
        assert_eq!("JSON".parse(), Ok(Format::Json));
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let error = "xml".parse::<Format>().unwrap_err();
        assert_eq!(error, "\"xml\" is no output format: use human, concise, json, yaml, sarif, junit, github");
    }
}
