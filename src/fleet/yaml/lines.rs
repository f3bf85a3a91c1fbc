//! Lines, columns and bytes.

/// Every so many characters, the byte is remembered: a file of one endless line costs no more than others.
const STRIDE: usize = 256;

/// Where the lines of a text begin. Line breaks are `\n`, `\r\n` and `\r`, as in YAML.
#[derive(Debug)]
pub(in crate::fleet) struct Lines<'t> {
    text: &'t str,
    /// The first byte and the first character of each line.
    starts: Vec<(usize, usize)>,
    /// The byte of every character whose number is a multiple of the stride.
    strides: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Looks through a text once.
    pub(in crate::fleet) fn new(text: &'t str) -> Self {
        let (mut starts, mut strides) = (vec![(0, 0)], Vec::new());
        for (number, (at, c)) in text.char_indices().enumerate() {
            if number % STRIDE == 0 {
                strides.push(at);
            }
            if c == '\n' || (c == '\r' && text.as_bytes().get(at + 1) != Some(&b'\n')) {
                starts.push((at + 1, number + 1));
            }
        }
        Self { text, starts, strides }
    }

    /// The byte at a line (from 1) and a column (characters, from 0), or the nearest there is.
    pub(in crate::fleet) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(&(_, first)) = self.starts.get(line.saturating_sub(1)) else { return self.text.len() };
        let character = first + column;
        let Some(&near) = self.strides.get(character / STRIDE) else { return self.text.len() };
        self.text[near..].char_indices().nth(character % STRIDE).map_or(self.text.len(), |(at, _)| near + at)
    }

    /// Line and column (characters), both from 1, of a byte.
    pub(in crate::fleet) fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let stride = self.strides.partition_point(|&byte| byte <= offset).saturating_sub(1);
        let near = self.strides.get(stride).copied().unwrap_or_default();
        let character = stride * STRIDE + self.text[near..offset].chars().count();
        let line = self.starts.partition_point(|&(byte, _)| byte <= offset).max(1);
        (line, character - self.starts[line - 1].1 + 1)
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
    fn a_long_line_is_counted_the_same() {
        let text = "aü".repeat(2000) + "\n" + &"ö".repeat(700);
        let lines = Lines::new(&text);
        for (at, _) in text.char_indices() {
            let before = &text[..at];
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let position = (before.matches('\n').count() + 1, column);
            assert_eq!((lines.position(at), lines.offset(position.0, column - 1)), (position, at));
        }
    }

    #[test]
    fn what_lies_outside_is_brought_inside() {
        let lines = Lines::new("a");
        assert_eq!(lines.position(99), (1, 2));
        assert_eq!((lines.offset(9, 0), lines.offset(1, 9)), (1, 1));
    }
}
