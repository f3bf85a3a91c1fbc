//! Maintenance windows, by a device's own clock.

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::fleet::{Day, Window};

/// Whether the window is open. A time zone that is not known keeps it shut: nobody wants a device to be changed at
/// noon because its tag has a slip.
pub(super) fn is_open(window: &Window, zone: Option<&str>, now: Timestamp) -> bool {
    let Some(zone) = zone.and_then(|name| TimeZone::get(name).ok()) else { return false };
    let today = zone.to_datetime(now).date();
    // A window that crosses midnight belongs to the day on which it begins.
    [Some(today), today.yesterday().ok()]
        .into_iter()
        .flatten()
        .filter(|day| window.days.contains(&name(day.weekday())))
        .any(|day| opening(window, &zone, day).is_some_and(|(from, to)| from <= now && now < to))
}

/// The instants between which the window is open that begins on this day. An hour that the clock skips is taken where
/// the clock goes on; a window that falls into the gap whole begins there, and is as long as it says.
fn opening(window: &Window, zone: &TimeZone, day: Date) -> Option<(Timestamp, Timestamp)> {
    let last = if window.to > window.from { day } else { day.tomorrow().ok()? };
    let (from, to) = (day.to_datetime(window.from), last.to_datetime(window.to));
    let instant = |time| zone.to_ambiguous_timestamp(time).compatible().ok();
    let begins = instant(from)?;
    let ends = instant(to)?.max(begins);
    if ends > begins { Some((begins, ends)) } else { Some((begins, begins.checked_add(from.duration_until(to)).ok()?)) }
}

const fn name(day: Weekday) -> Day {
    match day {
        Weekday::Monday => Day::Mon,
        Weekday::Tuesday => Day::Tue,
        Weekday::Wednesday => Day::Wed,
        Weekday::Thursday => Day::Thu,
        Weekday::Friday => Day::Fri,
        Weekday::Saturday => Day::Sat,
        Weekday::Sunday => Day::Sun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::WindowSpec;

    fn window(days: Option<&[Day]>, from: &str, to: &str) -> Window {
        let (from, to) = (from.to_owned(), to.to_owned());
        Window::new(&WindowSpec { days: days.map(<[Day]>::to_vec), from, to, time_zone: None }).unwrap()
    }

    fn open(window: &Window, zone: &str, now: &str) -> bool {
        is_open(window, Some(zone), now.parse().unwrap())
    }

    #[test]
    fn hours_are_those_of_the_devices_own_clock() {
        let night = window(None, "01:00", "05:00");
        assert!(open(&night, "Europe/Oslo", "2026-06-10T00:00:00Z"), "two in the morning in Oslo");
        assert!(!open(&night, "Europe/Oslo", "2026-06-10T03:00:00Z"), "the end is not part of it");
        assert!(!open(&night, "America/New_York", "2026-06-10T00:00:00Z"));
        assert!(open(&night, "Asia/Kathmandu", "2026-06-09T19:20:00Z"), "five past one");
    }

    #[test]
    fn a_window_that_crosses_midnight_belongs_to_the_day_on_which_it_begins() {
        let monday = window(Some(&[Day::Mon]), "22:00", "02:00");
        assert!(open(&monday, "UTC", "2026-06-08T23:00:00Z"));
        assert!(open(&monday, "UTC", "2026-06-09T01:59:59Z"), "early on Tuesday");
        assert!(!open(&monday, "UTC", "2026-06-08T01:00:00Z"), "that is Sunday's");
        let all_day = window(Some(&[Day::Mon]), "00:00", "00:00");
        assert!(open(&all_day, "UTC", "2026-06-08T12:00:00Z") && !open(&all_day, "UTC", "2026-06-09T00:00:00Z"));
    }

    #[test]
    fn a_window_in_the_hour_that_the_clock_skips_begins_where_it_goes_on() {
        // On 29 March 2026 clocks in Oslo go from 02:00 to 03:00, at 01:00 UTC.
        let skipped = window(None, "02:00", "03:00");
        assert!(!open(&skipped, "Europe/Oslo", "2026-03-29T00:59:59Z"));
        assert!(open(&skipped, "Europe/Oslo", "2026-03-29T01:00:00Z"));
        assert!(open(&skipped, "Europe/Oslo", "2026-03-29T01:59:59Z"));
        assert!(!open(&skipped, "Europe/Oslo", "2026-03-29T02:00:00Z"));
        // On 25 October 2026 the hour from 02:00 comes twice: from 00:00 and from 01:00 UTC.
        assert!(open(&skipped, "Europe/Oslo", "2026-10-25T00:30:00Z"));
        assert!(open(&skipped, "Europe/Oslo", "2026-10-25T01:30:00Z"));
        assert!(!open(&skipped, "Europe/Oslo", "2026-10-25T02:00:00Z"));
    }

    #[test]
    fn without_a_time_zone_that_is_known_it_stays_shut() {
        let always = window(None, "00:00", "00:00");
        assert!(open(&always, "UTC", "2026-06-08T12:00:00Z"));
        for zone in [None, Some("Europe/Olso"), Some("")] {
            assert!(!is_open(&always, zone, Timestamp::UNIX_EPOCH), "{zone:?}");
        }
    }
}
