//! The text of a file: its lines, their ends, and what becomes of it when pieces are replaced.

use std::ops::Range;

/// The text of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'f>(pub(super) &'f str);

/// What takes the place of a span; an empty span is a place between two bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

impl<'f> Text<'f> {
    /// The bytes of a span.
    pub(super) fn of(self, span: Range<usize>) -> &'f str {
        self.0.get(span).unwrap_or_default()
    }

    /// Where the line begins that holds this byte.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.of(0..at).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// What stands on the line before this byte.
    pub(super) fn before(self, at: usize) -> &'f str {
        self.of(self.line_start(at)..at)
    }

    /// Where the words of the line end that holds this byte, and where the next line begins.
    pub(super) fn line_end(self, at: usize) -> (usize, usize) {
        match self.of(at..self.0.len()).find('\n') {
            Some(newline) => {
                let end = at + newline;
                (end - usize::from(end > at && self.of(at..end).ends_with('\r')), end + 1)
            }
            None => (self.0.len(), self.0.len()),
        }
    }

    /// So many spaces stand at the beginning of the line that holds this byte.
    pub(super) fn indent(self, at: usize) -> usize {
        let start = self.line_start(at);
        self.of(start..self.0.len()).bytes().take_while(|byte| *byte == b' ').count()
    }

    /// How the file ends its lines.
    pub(super) fn newline(self) -> &'static str {
        let first = self.0.find('\n').unwrap_or_default();
        if first > 0 && self.0.as_bytes().get(first - 1) == Some(&b'\r') { "\r\n" } else { "\n" }
    }

    /// Whole lines in the place of others: from the beginning of a line to that of another. A file whose last line has
    /// no end keeps it that way.
    pub(super) fn lines(self, span: Range<usize>, lines: &str) -> Piece {
        let newline = self.newline();
        let mut text = if newline == "\n" { lines.to_owned() } else { lines.replace('\n', newline) };
        let mut span = span;
        if span.end == self.0.len() && !self.0.ends_with('\n') {
            let body = text.strip_suffix(newline).unwrap_or(&text).to_owned();
            let is_after = span.start == self.0.len();
            if is_after && !body.is_empty() {
                text = format!("{newline}{body}");
            } else {
                text = body;
                if text.is_empty() {
                    let left = self.of(0..span.start);
                    let left = left.strip_suffix('\n').map_or(left, |left| left.strip_suffix('\r').unwrap_or(left));
                    span.start = left.len();
                }
            }
        }
        Piece { span, text }
    }

    /// The text with its pieces replaced; they do not overlap.
    pub(super) fn with(self, mut pieces: Vec<Piece>) -> String {
        pieces.sort_by_key(|piece| (piece.span.start, piece.span.end));
        let mut out = String::with_capacity(self.0.len() + pieces.iter().map(|piece| piece.text.len()).sum::<usize>());
        let mut at = 0;
        for piece in pieces {
            out.push_str(self.of(at..piece.span.start));
            out.push_str(&piece.text);
            at = piece.span.end;
        }
        out.push_str(self.of(at..self.0.len()));
        out
    }
}
