//! Edits of headers.

use super::scope::Refusal;
use crate::dialects::gateway_api::types::{HeaderModifier, RouteHeader};
use crate::ir::{HeaderEdit, Name};
use crate::schema::values::text_or_empty;
use crate::schema::{List, Text};

/// The edits of a modifier. Values are literal: what the data plane would take as a command is escaped.
pub fn edit(path: &str, modifier: &HeaderModifier) -> Result<HeaderEdit, Refusal> {
    let pairs = |list: &List<RouteHeader>| -> Result<Vec<(Name, Name)>, Refusal> {
        list.iter()
            .map(|header| {
                let (name, value) = (text_or_empty(header.name.as_ref()), text_or_empty(header.value.as_ref()));
                if !is_editable(name) || value.chars().any(char::is_control) {
                    return Err(Refusal::new(
                        path,
                        header.place,
                        format!("the header `{name}` cannot be set like this"),
                    ));
                }
                Ok((name.into(), value.replace('%', "%%").into()))
            })
            .collect()
    };
    let remove = |name: &Text| {
        if is_editable(name.as_str()) {
            Ok(name.as_str().into())
        } else {
            Err(Refusal::new(path, name.place, format!("the header `{}` cannot be taken away", name.as_str())))
        }
    };
    Ok(HeaderEdit {
        remove: modifier.remove.iter().map(remove).collect::<Result<_, _>>()?,
        set: pairs(&modifier.set)?,
        add: pairs(&modifier.add)?,
    })
}

/// True for names of headers that are no part of the request's line.
fn is_editable(name: &str) -> bool {
    is_token(name) && !name.eq_ignore_ascii_case("host")
}

/// True for what may be the name of a header.
pub fn is_token(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}
