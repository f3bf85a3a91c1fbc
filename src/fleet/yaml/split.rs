//! Where the documents of a file begin and end.
//!
//! A line that begins with `---` or `...` is a marker wherever it stands: YAML forbids it inside content, block and
//! quoted scalars included. So the documents can be told apart before any of them is parsed.

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fleet) struct Document<'t> {
    /// Its number in the file, from 0; documents without content count.
    pub(in crate::fleet) number: usize,
    /// Where its text begins in the file.
    pub(in crate::fleet) start: usize,
    /// Its text, from its directives or its `---` on.
    pub(in crate::fleet) text: &'t str,
}

/// The documents of a text.
pub(super) fn documents(text: &str) -> impl Iterator<Item = Document<'_>> {
    let mut start = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    let mut number = 0;
    std::iter::from_fn(move || {
        while start < text.len() {
            let (end, has_content) = document_end(text, start);
            let document = Document { number, start, text: &text[start..end] };
            start = end;
            if has_content {
                number += 1;
                return Some(document);
            }
        }
        None
    })
}

/// The end of the document that begins at `start`, and whether there is more to it than comments.
fn document_end(text: &str, start: usize) -> (usize, bool) {
    let mut begun = false;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if marker(line, "---") {
            if begun {
                return (at, true);
            }
            begun = true;
        } else if marker(line, "...") {
            return (at + line.len(), begun);
        } else if !begun {
            begun = !is_preamble(line);
        }
        at += line.len();
    }
    (text.len(), begun)
}

fn marker(line: &str, text: &str) -> bool {
    line.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether a line may stand before a document: empty, a comment or a directive.
fn is_preamble(line: &str) -> bool {
    line.starts_with('%') || matches!(line.trim_start().as_bytes().first(), None | Some(b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, &str)> {
        documents(text).map(|d| (d.number, d.text)).collect()
    }

    #[test]
    fn a_file_without_markers_is_one_document() {
        assert_eq!(split("a: 1\n"), [(0, "a: 1\n")]);
        assert_eq!(split("# only words\n\n"), []);
        assert_eq!(split(""), []);
    }

    #[test]
    fn a_comment_before_the_first_marker_is_no_document() {
        assert_eq!(split("# head\n---\na: 1\n---\nb: 2"), [(0, "# head\n---\na: 1\n"), (1, "---\nb: 2")]);
    }

    #[test]
    fn two_markers_in_a_row_hold_an_empty_document() {
        assert_eq!(split("---\n---\na: 1\n"), [(0, "---\n"), (1, "---\na: 1\n")]);
    }

    #[test]
    fn an_end_marker_lets_directives_follow() {
        let text = "a: 1\n...\n%YAML 1.2\n---\nb: 2\n...\n# end\n";
        assert_eq!(split(text), [(0, "a: 1\n...\n"), (1, "%YAML 1.2\n---\nb: 2\n...\n")]);
    }

    #[test]
    fn only_a_whole_marker_splits() {
        assert_eq!(split("a: |\n  ---\n--- # next\nb: 1\n"), [(0, "a: |\n  ---\n"), (1, "--- # next\nb: 1\n")]);
        assert_eq!(split("----\n"), [(0, "----\n")]);
    }

    #[test]
    fn a_byte_order_mark_belongs_to_no_document() {
        assert_eq!(documents("\u{FEFF}a: 1").next(), Some(Document { number: 0, start: 3, text: "a: 1" }));
    }

    #[test]
    fn carriage_returns_are_taken() {
        assert_eq!(split("a: 1\r\n---\r\nb: 2\r\n").len(), 2);
    }
}
