//! "Did you mean": the known name nearest to a wrong one.

/// Longest name worth comparing, in bytes.
const LONGEST: usize = 64;

/// The known name nearest to `word`, when it is near enough to be a slip. Case does not count as a difference.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let lower: Vec<char> = word.to_lowercase().chars().collect();
    let allowed = 1 + lower.len() / 5;
    let measured = known.into_iter().filter_map(|name| Some((distance(&lower, name, allowed)?, name)));
    measured.min().map(|(_, name)| name)
}

/// Insertions, removals and replacements between two words, and swaps of neighbours, each counted once; `None` if there
/// are more than `allowed`.
fn distance(left: &[char], right: &str, allowed: usize) -> Option<usize> {
    // Most names differ by their lengths alone: a repository may hold a hundred thousand words to compare.
    if left.len().abs_diff(right.chars().count()) > allowed {
        return None;
    }
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let (mut before, mut last) = (Vec::new(), (0..=right.len()).collect::<Vec<usize>>());
    for (i, a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(right.len() + 1);
        row.push(i + 1);
        for (j, b) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        if row.iter().all(|steps| *steps > allowed) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|steps| *steps <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["windows.timeInfo", "windows.timeService", "time", "files"];
        assert_eq!(nearest("windows.timeinfo", names), Some("windows.timeInfo"));
        assert_eq!(nearest("tiem", names), Some("time"));
        assert_eq!(nearest("zebra", names), None);
        assert_eq!(nearest("", names), None);
    }
}
