//! Two long values as a unified diff; the only file that knows the diff library.

use similar::{ChangeTag, TextDiff};

use super::value::Shown;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `+`, `-`, or a space for what stays.
    pub(crate) sign: char,
    /// The line, without its end.
    pub(crate) text: String,
}

/// The diff of two values if one line each would not do, and how many of its lines were left out.
pub(crate) fn unified(from: Shown<'_>, to: Shown<'_>, most: usize) -> Option<(Vec<Line>, usize)> {
    if !(from.is_long() || to.is_long()) {
        return None;
    }
    let (hunks, left_out) = hunks(&from.lines(), &to.lines(), most);
    Some((hunks.into_iter().flat_map(|hunk| hunk.lines).collect(), left_out))
}

/// Lines that lie together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The first line of the old text, from 1.
    pub(crate) at: usize,
    pub(crate) lines: Vec<Line>,
}

/// Where two texts differ, with some lines around, and how many lines beyond `most` were left out.
pub(crate) fn hunks(from: &str, to: &str, most: usize) -> (Vec<Hunk>, usize) {
    let diff = TextDiff::from_lines(from, to);
    let (mut hunks, mut count, mut left_out) = (Vec::new(), 0, 0);
    for ops in diff.grouped_ops(CONTEXT) {
        let at = ops.first().map_or(0, |op| op.old_range().start) + 1;
        let mut lines = Vec::new();
        for change in ops.iter().flat_map(|op| diff.iter_changes(op)) {
            if count == most {
                left_out += 1;
                continue;
            }
            count += 1;
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            lines.push(Line { sign, text: change.value().trim_end_matches('\n').to_owned() });
        }
        hunks.push(Hunk { at, lines });
    }
    (hunks, left_out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn signs(from: &serde_json::Value, to: &serde_json::Value, most: usize) -> Option<(String, usize)> {
        let (lines, left_out) = unified(Shown::Value(from), Shown::Value(to), most)?;
        Some((lines.iter().map(|line| line.sign).collect(), left_out))
    }

    #[test]
    fn texts_of_several_lines_are_compared_line_by_line() {
        assert_eq!(signs(&json!("a\nb\nc"), &json!("a\nx\nc\nd"), 9), Some((" --+++".into(), 0)));
        assert_eq!(signs(&json!("a\nb\n"), &json!("a\nc\n"), 2), Some((" -".into(), 1)));
    }

    #[test]
    fn short_values_need_no_diff() {
        assert_eq!(signs(&json!("a"), &json!([1, 2]), 9), None);
    }
}
