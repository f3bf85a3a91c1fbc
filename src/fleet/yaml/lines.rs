//! Lines, columns and bytes.

/// Where the lines of a text begin. Line breaks are `\n`, `\r\n` and `\r`, as in YAML.
#[derive(Debug)]
pub(in crate::fleet) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Looks through a text once.
    pub(in crate::fleet) fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let is_break = |at: usize| match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let starts = std::iter::once(0).chain((0..bytes.len()).filter(|&at| is_break(at)).map(|at| at + 1)).collect();
        Self { text, starts }
    }

    /// The byte at a line (from 1) and a column (characters, from 0), or the nearest there is.
    pub(in crate::fleet) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(&start) = self.starts.get(line.saturating_sub(1)) else { return self.text.len() };
        let rest = &self.text[start..];
        rest.char_indices().nth(column).map_or(self.text.len(), |(at, _)| start + at)
    }

    /// Line and column (characters), both from 1, of a byte.
    pub(in crate::fleet) fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_every_line_break_counts_once() {
        let text = "ä: 1\r\nb\rc\nöd";
        let lines = Lines::new(text);
        for (byte, position) in [(0, (1, 1)), (2, (1, 2)), (7, (2, 1)), (9, (3, 1)), (11, (4, 1)), (13, (4, 2))] {
            assert_eq!(lines.position(byte), position, "{byte}");
            assert_eq!(lines.offset(position.0, position.1 - 1), byte, "{position:?}");
        }
    }

    #[test]
    fn what_lies_outside_is_brought_inside() {
        let lines = Lines::new("a");
        assert_eq!(lines.position(99), (1, 2));
        assert_eq!((lines.offset(9, 0), lines.offset(1, 9)), (1, 1));
    }
}
