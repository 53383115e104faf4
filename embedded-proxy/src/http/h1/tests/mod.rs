//! Both codecs against scripted peers, and heads and bodies that are cut, malformed or made up.

mod client;
mod heads;
mod round_trip;
mod server;
