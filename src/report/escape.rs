//! Text from outside, made harmless for where it is going.
//!
//! Ids, values, messages and names of files come from devices, hubs and repositories. On a terminal a control
//! character could move the cursor or hide a line; in a pull request a backtick could end a fence and an `@` could
//! call people; in a workflow's log a line feed could start a command.

use std::fmt::Write as _;

/// Whether a character does something to a terminal or to the order of text, rather than show.
fn is_active(c: char) -> bool {
    let is_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    c.is_control() || is_mark || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// One line for a terminal: control characters and marks of direction are spelt out.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_active(c) => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Text within HTML.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A code span, which renders nothing of what it holds and calls nobody.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let text = plain(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Prose for markdown: what stands between backquotes becomes a code span, punctuation that means something is escaped,
/// and an invisible character parts `@` and `#` from what follows, so that nobody is called and no issue is linked.
pub(crate) fn prose(text: &str) -> String {
    if !text.matches('`').count().is_multiple_of(2) {
        return words(text);
    }
    let piece = |(n, piece): (usize, &str)| if n % 2 == 1 { code(piece) } else { words(piece) };
    text.split('`').enumerate().map(piece).collect()
}

fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' => out.extend([c, '\u{200b}']),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.")
}

/// A fence that `body` cannot close.
pub(crate) fn fence(body: &str) -> String {
    "`".repeat(longest_run(body).max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// The message of a workflow command.
pub(crate) fn command_data(text: &str) -> String {
    text.replace('%', "%25").split('\n').map(|line| plain(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("%0A")
}

/// A property of a workflow command.
pub(crate) fn command_property(text: &str) -> String {
    command_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_terminal_is_not_steered_from_outside() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}\u{202e}c\n"), "a\\u{1b}[2Jb\\u{9b}\\u{202e}c\\n");
        assert_eq!(plain("Zürich ✓"), "Zürich ✓");
    }

    #[test]
    fn nobody_is_called_and_nothing_is_linked_from_prose() {
        assert_eq!(prose("@all #1 <b> https://x"), "@\u{200b}all #\u{200b}1 &lt;b&gt; https:\u{200b}//x");
    }

    #[test]
    fn backquotes_in_prose_keep_their_code_spans() {
        assert_eq!(prose("did you *mean* `max_size`?"), "did you \\*mean\\* `max_size`?");
        assert_eq!(prose("a ` alone"), "a \\` alone");
    }

    #[test]
    fn a_code_span_outlasts_its_backticks() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x`"), "`` `x` ``");
    }

    proptest! {
        #[test]
        fn one_line_stays_one_line(text in any::<String>()) {
            for escaped in [plain(&text), html(&text), code(&text), prose(&text)] {
                prop_assert!(!escaped.contains(['\n', '\r', '\u{1b}']), "{escaped:?}");
            }
            prop_assert!(!command_property(&text).contains(['\n', '\r', ':', ',']));
        }

        #[test]
        fn a_fence_is_longer_than_any_within(text in "[`a\n]{0,40}") {
            prop_assert!(!text.contains(&fence(&text)));
        }
    }
}
