//! Text from outside, made harmless for where it is going.
//!
//! Ids, values, messages and names of files come from devices, hubs and repositories. On a terminal a control
//! character could move the cursor or hide a line; in a pull request a backtick could end a fence and an `@` could
//! call people; in a workflow's log a line feed could start a command.

use std::fmt::Write as _;

use super::words;

/// Whether a character does something to a terminal or to the order of text, rather than show.
fn is_active(c: char) -> bool {
    let is_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let is_hidden =
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_mark || is_hidden || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
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
    entities(&plain(text))
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
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

/// A code span in a cell of a table: a bar would end the cell even there, so that text with one is told by entities.
pub(crate) fn code_in_cell(text: &str) -> String {
    if !text.contains('|') {
        return code(text);
    }
    let mut out = "<code>".to_owned();
    for c in plain(text).chars() {
        if c.is_ascii_punctuation() {
            words::push(&mut out, format_args!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out + "</code>"
}

/// Prose for markdown: what stands between backquotes becomes a code span, punctuation that means something is escaped,
/// and an invisible character parts the signs of references from what follows, so that nobody is called and no issue is
/// linked.
pub(crate) fn prose(text: &str) -> String {
    by_backquotes(text, escaped, code)
}

/// The same in a cell of a table.
pub(crate) fn prose_in_cell(text: &str) -> String {
    by_backquotes(text, escaped, code_in_cell)
}

/// The same for HTML that a forge looks through for people to call.
pub(crate) fn html_prose(text: &str) -> String {
    let tag = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { format!("<code>{}</code>", html(text)) };
    by_backquotes(text, |text| entities(&parted(&plain(text))), tag)
}

/// Tells what stands between backquotes in one way and the rest in another.
pub(crate) fn by_backquotes(text: &str, words: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    if !text.matches('`').count().is_multiple_of(2) {
        return words(text);
    }
    let piece = |(n, piece): (usize, &str)| if n % 2 == 1 { code(piece) } else { words(piece) };
    text.split('`').enumerate().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in parted(&plain(text)).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '!' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Parts what forges link: `@name`, `#12`, `!12`, `&12`, `%12`, `~label`, `$12`, addresses.
fn parted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        let refers = match c {
            '@' | '#' => true,
            '!' | '&' | '%' | '~' | '$' => {
                rest.peek().is_some_and(|next| next.is_alphanumeric() || matches!(next, '"' | '_'))
            }
            _ => false,
        };
        out.extend(refers.then_some(PARTING));
    }
    out.replace("://", &format!(":{PARTING}//")).replace("www.", &format!("www{PARTING}."))
}

/// Takes no room and means nothing: but what stands on both sides of it is no longer one word.
const PARTING: char = '\u{200b}';

/// A line of markdown that does not begin a list, a heading or a block of code.
pub(crate) fn at_start(line: &str) -> String {
    let line = line.trim_start_matches([' ', '\t']);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = line.split_at(digits);
    let begins = if digits > 0 { rest.starts_with(['.', ')']) } else { rest.starts_with(['-', '+', '=', '#']) };
    if begins { format!("{number}\\{rest}") } else { line.to_owned() }
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
        assert_eq!(prose_in_cell("`a|b` | c"), "<code>a&#124;b</code> \\| c");
    }

    #[test]
    fn a_code_span_outlasts_its_backticks() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x`"), "`` `x` ``");
    }

    proptest! {
        #[test]
        fn one_line_stays_one_line(text in any::<String>()) {
            for escaped in [plain(&text), html(&text), code(&text), prose(&text), code_in_cell(&text), html_prose(&text), prose_in_cell(&text)] {
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
