//! "Did you mean": the nearest of a few known words.

/// Longest word worth comparing; nothing that the language knows is longer.
const LONGEST: usize = 40;

/// The known word nearest to `word`, when it is near enough to be a slip of the finger.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let allowed = if lower.len() < 5 { 1 } else { 2 };
    let first = lower.as_bytes().first().copied();
    known
        .into_iter()
        .map(|candidate| {
            let other = candidate.to_ascii_lowercase();
            // People rarely miss the first letter: of two equally near words, the one that shares it.
            (distance(&lower, &other), other.as_bytes().first().copied() != first, candidate)
        })
        .filter(|(distance, ..)| *distance <= allowed)
        .min_by_key(|(distance, other_start, _)| (*distance, *other_start))
        .map(|(.., candidate)| candidate)
}

/// `; did you mean …?`, or nothing.
pub(super) fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`?"))
}

/// Edits between two words, where swapping neighbours is one edit: three rows of the table at a time.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        assert_eq!(nearest("SELCT", ["SELECT", "FROM"]), Some("SELECT"));
        assert_eq!(nearest("FORM", ["FROM"]), Some("FROM"));
        assert_eq!(nearest("tag", ["etag", "tags"]), Some("tags"));
        assert_eq!(nearest("deviceid", ["deviceId", "moduleId"]), Some("deviceId"));
    }

    #[test]
    fn a_stranger_finds_none() {
        assert_eq!(nearest("zebra", ["SELECT", "FROM"]), None);
        assert_eq!(nearest(&"x".repeat(5000), ["SELECT"]), None);
    }
}
