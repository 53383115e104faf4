//! Operators without parameters: each is a function of the context.

mod connection;
mod exchange;
mod grpc;
mod times;
mod tls;
mod upstream;

pub use exchange::{details, query, query_decoded};
pub use grpc::{any_grpc_status, grpc_camel, grpc_number, grpc_snake};
pub use times::{TimePoint, between, time_point};

use super::{FormatContext, Piece};

/// Reads one fact.
pub type Fact = for<'c> fn(&FormatContext<'c>) -> Piece<'c>;

/// The tables of all operators without parameters.
const TABLES: &[&[(&str, Fact)]] =
    &[exchange::TABLE, connection::TABLE, upstream::TABLE, tls::TABLE, times::TABLE, grpc::TABLE];

/// The operator of that name.
pub fn find(name: &str) -> Option<Fact> {
    TABLES.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name).map(|(_, fact)| *fact)
}

/// Name of an operator, for debugging.
pub fn name(fact: Fact) -> &'static str {
    let mut all = TABLES.iter().flat_map(|table| table.iter());
    all.find(|(_, known)| std::ptr::fn_addr_eq(*known, fact)).map_or("fact", |(name, _)| name)
}

/// What is never there.
pub fn nothing<'c>(_: &FormatContext<'c>) -> Piece<'c> {
    Piece::None
}

/// An empty text.
fn empty<'c>(_: &FormatContext<'c>) -> Piece<'c> {
    Piece::Text("".into())
}

/// White space becomes underscores, so that a text stays one word in a log.
fn one_word(text: &str) -> Piece<'_> {
    if text.contains(char::is_whitespace) {
        Piece::Text(text.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect::<String>().into())
    } else {
        Piece::filled(text)
    }
}
