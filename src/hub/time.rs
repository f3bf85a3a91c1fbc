//! The hub's clock, and times as the protocol writes them.

use jiff::Timestamp;

/// Ticks of 100 ns between the year 1 and 1970, from which generation ids count.
const TICKS_BEFORE_1970: i128 = 621_355_968_000_000_000;

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// ISO 8601 in UTC with seven fractional digits and `Z` (protocol reference 2.1).
pub(crate) fn text(time: Timestamp) -> String {
    format!("{time:.7}")
}

/// Ticks of 100 ns since the year 1: grows with every identity that is made.
pub(crate) fn ticks(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond() / 100 + TICKS_BEFORE_1970).unwrap_or_default()
}

/// Seconds since 1970, as tokens count them.
pub(crate) fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_seven_digits_and_ticks_count_from_the_year_1() {
        let time: Timestamp = "2026-11-23T03:10:00.1234567Z".parse().unwrap();
        assert_eq!(text(time), "2026-11-23T03:10:00.1234567Z");
        assert_eq!(text("2026-11-23T03:10:00Z".parse().unwrap()), "2026-11-23T03:10:00.0000000Z");
        let unix: Timestamp = "1970-01-01T00:00:01Z".parse().unwrap();
        assert_eq!((ticks(unix), seconds(unix)), (621_355_968_010_000_000, 1));
    }
}
