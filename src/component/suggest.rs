//! "Did you mean": the known name nearest to a wrong one.

/// Longest name worth comparing, in bytes.
const LONGEST: usize = 64;

/// The known name nearest to `word`, when it is near enough to be a slip. Case does not count as a difference.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = 1 + lower.len() / 5;
    let measured = known.into_iter().map(|name| (distance(&lower, &name.to_lowercase()), name));
    measured.filter(|(distance, _)| *distance <= allowed).min().map(|(_, name)| name)
}

/// Insertions, removals and replacements between two words, and swaps of neighbours, each counted once.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
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
