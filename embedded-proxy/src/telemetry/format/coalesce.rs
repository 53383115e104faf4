//! `%COALESCE({"operators": [...]})%`: the first of several operators that has a value.

use serde_json::Value;

use super::command::Command;
use super::{FormatContext, Piece};

/// Operators in order.
#[derive(Debug, Clone)]
pub(super) struct Coalesce(Vec<(Command, Option<usize>)>);

impl Coalesce {
    /// Reads the JSON object in the parentheses.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let object: Value = serde_json::from_str(text).map_err(|error| format!("COALESCE wants JSON: {error}"))?;
        let operators = object.get("operators").and_then(Value::as_array).filter(|operators| !operators.is_empty());
        let operators = operators.ok_or("COALESCE wants a list \"operators\" that is not empty")?;
        operators.iter().map(operator).collect::<Result<_, String>>().map(Self)
    }

    /// The first value.
    pub(super) fn value<'c>(&'c self, context: &FormatContext<'c>) -> Piece<'c> {
        let mut values = self.0.iter().map(|(command, limit)| command.value(context).cut(*limit));
        values.find(|piece| *piece != Piece::None).unwrap_or(Piece::None)
    }
}

fn operator(value: &Value) -> Result<(Command, Option<usize>), String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = value.as_str().unwrap_or_else(|| text("command"));
    if name.is_empty() {
        return Err("COALESCE wants names, or objects with a \"command\"".into());
    }
    if name == "COALESCE" {
        return Err("COALESCE does not stand in COALESCE".into());
    }
    let limit = value.get("max_length").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let command = Command::new(name, text("param"), limit).map_err(|error| format!("COALESCE: {error}"))?;
    Ok((command, limit))
}
