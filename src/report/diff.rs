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
    let (from, to) = (from.lines(), to.lines());
    let diff = TextDiff::from_lines(from.as_str(), to.as_str());
    let mut lines = Vec::new();
    let mut left_out = 0;
    for op in diff.grouped_ops(CONTEXT).iter().flatten() {
        for change in diff.iter_changes(op) {
            if lines.len() == most {
                left_out += 1;
                continue;
            }
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            lines.push(Line { sign, text: change.value().trim_end_matches('\n').to_owned() });
        }
    }
    Some((lines, left_out))
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
