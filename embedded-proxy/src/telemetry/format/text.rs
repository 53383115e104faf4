//! A format string that makes a line.

use std::sync::Arc;

use super::command::Command;
use super::parse::{Token, tokens};
use super::{FormatContext, Piece};

/// What access logs print when they have no format of their own.
pub const DEFAULT: &str = concat!(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" ",
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% ",
    "\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" ",
    "\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n",
);

/// A compiled format string. Clones share it.
#[derive(Debug, Clone)]
pub struct Format {
    parts: Arc<[Part]>,
    /// What stands for a value that is not there.
    empty: &'static str,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Operator(Command, Option<usize>),
}

impl Format {
    /// Compiles a format string. The error names the operator that is wrong, unknown, or that the proxy does not have.
    /// Missing values will print as `-`.
    pub fn parse(format: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        for token in tokens(format)? {
            match token {
                Token::Text(text) => match parts.last_mut() {
                    Some(Part::Text(before)) => *before = format!("{before}{text}").into(),
                    _ => parts.push(Part::Text(text.into())),
                },
                Token::Operator { name, parameters, limit } => {
                    parts.push(Part::Operator(Command::new(name, parameters, limit)?, limit));
                }
            }
        }
        Ok(Self { parts: parts.into(), empty: "-" })
    }

    /// The same format with missing values printed as nothing: header edits, and `omit_empty_values`.
    pub fn omit_empty(mut self) -> Self {
        self.empty = "";
        self
    }

    /// The text of a format without operators: the same for every request.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_ref() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends the line for these facts.
    pub fn render(&self, context: &FormatContext<'_>, out: &mut String) {
        for part in self.parts.iter() {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Operator(command, limit) => limited(command, *limit, context).write(out, self.empty),
            }
        }
    }

    /// The line for these facts.
    pub fn text(&self, context: &FormatContext<'_>) -> String {
        let mut out = String::new();
        self.render(context, &mut out);
        out
    }

    /// The typed value when the format is exactly one operator.
    pub fn single<'c>(&'c self, context: &FormatContext<'c>) -> Option<Piece<'c>> {
        match self.parts.as_ref() {
            [Part::Operator(command, limit)] => Some(limited(command, *limit, context)),
            _ => None,
        }
    }
}

fn limited<'c>(command: &'c Command, limit: Option<usize>, context: &FormatContext<'c>) -> Piece<'c> {
    let piece = command.value(context);
    match (piece, limit) {
        // A cut makes text of JSON.
        (Piece::Json(json), Some(_)) => {
            let mut text = String::new();
            Piece::Json(json).write(&mut text, "");
            Piece::Text(text.into()).cut(limit)
        }
        (piece, limit) => piece.cut(limit),
    }
}
