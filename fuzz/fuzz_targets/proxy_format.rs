//! Any access-log format compiles or is refused; what compiles renders.
#![no_main]

use embedded_proxy::stream::{Connection, StreamInfo};
use embedded_proxy::telemetry::format::{Format, FormatContext};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(format) = Format::parse(text) else { return };
    let address = ([127, 0, 0, 1], 80).into();
    let connection = Connection::plain(address, address);
    let info = StreamInfo::begin();
    let mut out = String::new();
    format.render(&FormatContext::new(&connection, &info), &mut out);
});
