//! Which texts Go's YAML reader takes for dates. It matters for `!!timestamp` alone: untagged dates stay text.

/// Whether the text is a date, with or without a time, in one of the four layouts of the reader: the date alone, `T` or `t`
/// with a zone, or a space and no zone. Fields may have one digit; the day must exist.
pub(super) fn is_timestamp(text: &str) -> bool {
    date_and_rest(text.as_bytes()).is_some_and(|rest| match rest {
        [] => true,
        [b'T' | b't', rest @ ..] => time_and_rest(rest).is_some_and(is_zone),
        [b' ', rest @ ..] => time_and_rest(rest.trim_ascii_start()).is_some_and(<[u8]>::is_empty),
        _ => false,
    })
}

fn date_and_rest(text: &[u8]) -> Option<&[u8]> {
    let (year, rest) = text.split_at_checked(4)?;
    let year = std::str::from_utf8(year).ok().filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()))?;
    let year: u32 = year.parse().ok()?;
    let (month, rest) = field(rest.strip_prefix(b"-")?)?;
    let (day, rest) = field(rest.strip_prefix(b"-")?)?;
    (1..=days(year, month)).contains(&day).then_some(rest)
}

/// The days of a month, 0 for months that do not exist.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn time_and_rest(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = field(text)?;
    let (minute, rest) = field(rest.strip_prefix(b":")?)?;
    let (second, rest) = field(rest.strip_prefix(b":")?)?;
    (hour < 24 && minute < 60 && second < 60).then(|| without_fraction(rest))
}

/// Cuts a fraction of a second, of any length, after a dot or a comma.
fn without_fraction(text: &[u8]) -> &[u8] {
    match text {
        [b'.' | b',', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => {
            &rest[rest.iter().take_while(|byte| byte.is_ascii_digit()).count()..]
        }
        _ => text,
    }
}

/// `Z`, or a sign with hours and minutes of two digits. Go lets 24 hours and 60 minutes pass.
fn is_zone(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', hour @ .., b':', m1, m2] if hour.len() == 2 => {
            matches!((field(hour), field(&[*m1, *m2])), (Some((hour, [])), Some((minute, []))) if hour <= 24 && minute <= 60)
        }
        _ => false,
    }
}

/// A number of one or two digits.
fn field(text: &[u8]) -> Option<(u32, &[u8])> {
    let count = text.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let value = digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    (count > 0).then_some((value, rest))
}
