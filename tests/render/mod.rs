//! Every output format over one small report: what a user of each format gets.

mod formats;
mod sample;
