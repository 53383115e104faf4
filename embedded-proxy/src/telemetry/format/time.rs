//! Time formats: those of strftime, with the fractions of seconds that Envoy adds (`%3f`, `%E3S`).

use std::fmt::Write as _;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;

/// A format of times, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeFormat(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One letter of strftime.
    Field(char),
    /// Fraction of the second, so many digits.
    Fraction(usize),
    /// Fraction of the second, as many digits as it has.
    FullFraction,
    /// Seconds, a dot, and so many digits.
    SecondsWithFraction(usize),
    /// Seconds with as many digits as there are.
    SecondsWithFullFraction,
    /// Milliseconds since 1970 and the like: the seconds since 1970.
    Epoch,
}

/// What is printed without a format: `2026-01-31T09:30:00.123Z`.
const DEFAULT: &str = "%Y-%m-%dT%H:%M:%E3SZ";

impl TimeFormat {
    /// Reads a format; an empty one is the default.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = if text.is_empty() { DEFAULT } else { text };
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                literal.push(c);
                continue;
            }
            let part = specifier(&mut rest)
                .map_err(|wrong| format!("the time format has %{wrong}, which cannot be printed"))?;
            match part {
                Part::Text(text) => literal.push_str(&text),
                part => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// Prints a time.
    pub(super) fn text(&self, time: SystemTime) -> String {
        let timestamp = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
        let civil = jiff::tz::Offset::UTC.to_datetime(timestamp);
        let nanos = civil.subsec_nanosecond().unsigned_abs();
        let mut out = String::with_capacity(32);
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(letter) => field(*letter, civil, &mut out),
                Part::Fraction(digits) => fraction(nanos, *digits, &mut out),
                Part::FullFraction => full_fraction(nanos, &mut out),
                Part::SecondsWithFraction(digits) => {
                    two(civil.second(), &mut out);
                    out.push('.');
                    fraction(nanos, *digits, &mut out);
                }
                Part::SecondsWithFullFraction => {
                    two(civil.second(), &mut out);
                    if nanos > 0 {
                        out.push('.');
                        full_fraction(nanos, &mut out);
                    }
                }
                Part::Epoch => {
                    let _ = write!(out, "{}", timestamp.as_second());
                }
            }
        }
        out
    }
}

/// Reads what follows a percent sign. The error is the text that cannot be printed.
fn specifier(rest: &mut std::str::Chars<'_>) -> Result<Part, String> {
    match rest.next() {
        None => Err(String::new()),
        Some('%') => Ok(Part::Text("%".into())),
        Some('t') => Ok(Part::Text("\t".into())),
        Some('s') => Ok(Part::Epoch),
        Some('f') => Ok(Part::Fraction(9)),
        Some(digit @ '1'..='9') => match rest.next() {
            Some('f') => Ok(Part::Fraction(digit.to_digit(10).unwrap_or(9) as usize)),
            Some('s') => Ok(Part::Epoch),
            other => Err(format!("{digit}{}", other.map(String::from).unwrap_or_default())),
        },
        Some('E') => extended(rest),
        Some(letter) if LETTERS.contains(letter) => Ok(Part::Field(letter)),
        Some(letter) => Err(letter.into()),
    }
}

fn extended(rest: &mut std::str::Chars<'_>) -> Result<Part, String> {
    match (rest.next(), rest.clone().next()) {
        (Some('z'), _) => Ok(Part::Text("+00:00".into())),
        (Some('T'), _) => Ok(Part::Text("T".into())),
        (Some('4'), Some('Y')) => {
            rest.next();
            Ok(Part::Field('Y'))
        }
        (Some('*'), Some(letter @ ('S' | 'f' | 'z'))) => {
            rest.next();
            Ok(match letter {
                'S' => Part::SecondsWithFullFraction,
                'f' => Part::FullFraction,
                _ => Part::Text("+00:00:00".into()),
            })
        }
        (Some(digit @ '0'..='9'), Some(letter @ ('S' | 'f'))) => {
            rest.next();
            let digits = digit.to_digit(10).unwrap_or(9) as usize;
            Ok(match letter {
                'S' if digits == 0 => Part::Field('S'),
                'S' => Part::SecondsWithFraction(digits),
                _ => Part::Fraction(digits),
            })
        }
        (letter, _) => Err(format!("E{}", letter.map(String::from).unwrap_or_default())),
    }
}

const LETTERS: &str = "YmdHMSejyCbhBaAIpPklZzTRDFrcxXuwUWVGg";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Prints one letter of strftime, in the C locale.
fn field(letter: char, time: DateTime, out: &mut String) {
    let month = MONTHS[usize::try_from(time.month() - 1).unwrap_or(0).min(11)];
    let weekday = time.weekday().to_sunday_zero_offset();
    let day = DAYS[usize::try_from(weekday).unwrap_or(0).min(6)];
    let yearday = time.day_of_year();
    let twelve = (time.hour() + 11) % 12 + 1;
    let _ = match letter {
        'Y' => write!(out, "{}", time.year()),
        'm' => write!(out, "{:02}", time.month()),
        'd' => write!(out, "{:02}", time.day()),
        'H' => write!(out, "{:02}", time.hour()),
        'M' => write!(out, "{:02}", time.minute()),
        'S' => write!(out, "{:02}", time.second()),
        'e' => write!(out, "{:2}", time.day()),
        'j' => write!(out, "{yearday:03}"),
        'y' => write!(out, "{:02}", time.year().rem_euclid(100)),
        'C' => write!(out, "{:02}", time.year().div_euclid(100)),
        'b' | 'h' => out.write_str(&month[..3]),
        'B' => out.write_str(month),
        'a' => out.write_str(&day[..3]),
        'A' => out.write_str(day),
        'I' => write!(out, "{twelve:02}"),
        'l' => write!(out, "{twelve:2}"),
        'k' => write!(out, "{:2}", time.hour()),
        'p' => out.write_str(if time.hour() < 12 { "AM" } else { "PM" }),
        'P' => out.write_str(if time.hour() < 12 { "am" } else { "pm" }),
        'Z' => out.write_str("UTC"),
        'z' => out.write_str("+0000"),
        'T' | 'X' => write!(out, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()),
        'R' => write!(out, "{:02}:{:02}", time.hour(), time.minute()),
        'D' | 'x' => write!(out, "{:02}/{:02}/{:02}", time.month(), time.day(), time.year().rem_euclid(100)),
        'F' => write!(out, "{}-{:02}-{:02}", time.year(), time.month(), time.day()),
        'r' => {
            let half = if time.hour() < 12 { "AM" } else { "PM" };
            write!(out, "{twelve:02}:{:02}:{:02} {half}", time.minute(), time.second())
        }
        'c' => {
            let clock = (time.hour(), time.minute(), time.second());
            let (date, year) = (time.day(), time.year());
            write!(out, "{} {} {date:2} {:02}:{:02}:{:02} {year}", &day[..3], &month[..3], clock.0, clock.1, clock.2)
        }
        'u' => write!(out, "{}", time.weekday().to_monday_one_offset()),
        'w' => write!(out, "{weekday}"),
        'U' => write!(out, "{:02}", (yearday + 6 - i16::from(weekday)) / 7),
        'W' => write!(out, "{:02}", (yearday + 6 - i16::from(time.weekday().to_monday_zero_offset())) / 7),
        'V' => write!(out, "{:02}", time.date().iso_week_date().week()),
        'G' => write!(out, "{}", time.date().iso_week_date().year()),
        'g' => write!(out, "{:02}", time.date().iso_week_date().year().rem_euclid(100)),
        _ => Ok(()),
    };
}

fn two(number: i8, out: &mut String) {
    let _ = write!(out, "{number:02}");
}

fn fraction(nanos: u32, digits: usize, out: &mut String) {
    let unit = 10_u32.pow(9_u32.saturating_sub(u32::try_from(digits).unwrap_or(9)));
    if digits > 0 {
        let _ = write!(out, "{:0digits$}", nanos / unit);
    }
}

fn full_fraction(nanos: u32, out: &mut String) {
    let all = format!("{nanos:09}");
    let digits = all.trim_end_matches('0');
    out.push_str(if digits.is_empty() { "0" } else { digits });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// 2026-11-24 14:00:22.754849 UTC, a Tuesday.
    fn time() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_528_822_754_849)
    }

    fn text(format: &str) -> String {
        TimeFormat::parse(format).unwrap().text(time())
    }

    /// The right-hand sides were printed by Envoy 1.40 for one request.
    #[test]
    fn times_are_printed_as_envoy_prints_them() {
        let table = [
            ("", "2026-11-24T14:00:22.754Z"),
            ("%s.%3f", "1795528822.754"),
            ("%E3S %E*S", "22.754 22.754849"),
            ("%j %e|%k|%l", "328 24|14| 2"),
            ("%y %Y %b %B %a %A %p %Z %z", "26 2026 Nov November Tue Tuesday PM UTC +0000"),
            ("%T %D %F %Ez", "14:00:22 11/24/26 2026-11-24 +00:00"),
            ("%c", "Tue Nov 24 14:00:22 2026"),
            ("%x %X %u %w %U %h %C %I", "11/24/26 14:00:22 2 2 47 Nov 20 02"),
            ("%1f %5s %%", "7 1795528822 %"),
            ("%f", "754849000"),
        ];
        for (format, printed) in table {
            assert_eq!(text(format), printed, "{format}");
        }
    }

    #[test]
    fn what_cannot_be_printed_is_an_error() {
        for format in ["%n", "%", "%Q", "%3x", "%E", "%E3x", "%-d"] {
            assert!(TimeFormat::parse(format).is_err(), "{format}");
        }
    }

    proptest! {
        #[test]
        fn no_format_and_no_time_makes_it_panic(format in "(%[A-Za-z*0-9]{1,3}|é|.){0,6}", seconds in any::<u64>(), nanos in 0u32..1_000_000_000) {
            let time = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
            if let (Ok(format), Some(time)) = (TimeFormat::parse(&format), time) {
                format.text(time);
            }
        }
    }
}
