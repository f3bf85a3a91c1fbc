//! Numbers and names in sentences.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    time::Duration,
};

use crate::twin::DeviceId;

/// Adds words to a text.
pub(crate) fn push(text: &mut String, words: fmt::Arguments<'_>) {
    let written = text.write_fmt(words);
    debug_assert!(written.is_ok(), "a String takes everything");
}

/// `1 device`, `412 devices`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ => format!("{n} {}", plural(noun)),
    }
}

/// `10,000`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `10,000 twin writes`.
pub(crate) fn count_grouped(n: u64, noun: &str) -> String {
    let grouped = grouped(n);
    if n == 1 { format!("{grouped} {noun}") } else { format!("{grouped} {}", plural(noun)) }
}

/// A length of time as it is estimated: `200 s`, `25 min`, `2 h 5 min`, never less than it is.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000);
    let minutes = seconds.div_ceil(60);
    match (seconds, minutes) {
        (..=599, _) => format!("{seconds} s"),
        (_, ..=119) => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// The parts that are not zero: `3 to prune, 2 to adopt`.
pub(crate) fn parts<'a>(parts: impl IntoIterator<Item = (u64, &'a str)>) -> String {
    let said: Vec<_> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    said.join(", ")
}

/// `… and 3 more groups, not shown here.`; nothing for none.
pub(crate) fn more(n: usize, noun: &str) -> Option<String> {
    (n > 0).then(|| format!("… and {}, not shown here.", count(wide(n), &format!("more {noun}"))))
}

/// The first few of `total` devices, each passed through `show`, and how many more there are: `a, b, c, +409`.
pub(crate) fn named<'a>(
    devices: impl IntoIterator<Item = &'a DeviceId>,
    total: usize,
    most: usize,
    show: impl Fn(&str) -> String,
) -> String {
    let mut names: Vec<String> = devices.into_iter().take(most).map(|device| show(device.as_str())).collect();
    let more = total.saturating_sub(names.len());
    if more > 0 {
        names.push(format!("+{more}"));
    }
    names.join(", ")
}

/// A revision short enough for a sentence; what is no object id stays as it is.
pub(crate) fn short(revision: &str) -> &str {
    let is_id = revision.len() >= 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    if is_id { &revision[..12] } else { revision }
}

/// A time of the hub to the second, which is as much as people read; `None` for one before 1970, with which a hub says
/// that it knows none (protocol reference 2.1).
pub(crate) fn moment(time: &str) -> Option<Cow<'_, str>> {
    let year = time.get(..4).filter(|year| year.bytes().all(|b| b.is_ascii_digit()));
    if year.is_some_and(|year| year < "1970") {
        return None;
    }
    let Some((seconds, rest)) = time.split_once('.') else { return Some(Cow::Borrowed(time)) };
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Some(Cow::Owned(format!("{seconds}{zone}")))
}

/// A length as `usize` for a sum of counts.
pub(crate) const fn wide(n: usize) -> u64 {
    n as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_numbers() {
        assert_eq!(count(1, "device"), "1 device");
        assert_eq!(count(0, "property"), "0 properties");
        assert_eq!(parts([(12, "to change"), (0, "to prune"), (2, "to adopt")]), "12 to change, 2 to adopt");
    }

    #[test]
    fn large_numbers_and_long_times_are_told_as_people_read_them() {
        assert_eq!(count_grouped(1, "twin write"), "1 twin write");
        assert_eq!(count_grouped(999, "twin write"), "999 twin writes");
        assert_eq!(count_grouped(1_234_567, "twin write"), "1,234,567 twin writes");
        let told = |seconds| length(Duration::from_secs_f64(seconds));
        assert_eq!([told(0.2), told(200.0), told(600.0), told(7500.0)], ["1 s", "200 s", "10 min", "2 h 5 min"]);
    }

    #[test]
    fn times_are_told_to_the_second_and_those_before_1970_are_none() {
        assert_eq!(moment("2026-09-02T08:00:00.1234567Z").as_deref(), Some("2026-09-02T08:00:00Z"));
        assert_eq!(moment("2026-09-02T08:00:00.5+02:00").as_deref(), Some("2026-09-02T08:00:00+02:00"));
        assert_eq!(moment("2026-09-02T08:00:00Z").as_deref(), Some("2026-09-02T08:00:00Z"));
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(moment("ünknown").as_deref(), Some("ünknown"));
    }

    #[test]
    fn what_a_sample_leaves_out_is_counted() {
        let ids: Vec<_> = ["a", "b", "c", "d"].iter().map(|id| DeviceId::new(id).unwrap()).collect();
        assert_eq!(named(&ids, 4, 3, str::to_owned), "a, b, c, +1");
        assert_eq!(named(&ids[..2], 2, 3, str::to_owned), "a, b");
    }
}
