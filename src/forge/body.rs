//! A text that fits where it is to stand.

use std::io;

/// A report that can be told in less room.
pub trait Body {
    /// Markdown of at most so many characters, as [`characters`] counts them.
    ///
    /// # Errors
    /// When the report cannot be written.
    fn within(&self, room: usize) -> io::Result<Told>;
}

/// A report as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The markdown.
    pub text: String,
    /// Whether nothing was left out.
    pub whole: bool,
}

/// How many characters a text has at most for any forge: units of UTF-16, of which a character outside the common plane
/// has two.
pub fn characters(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A first line and a report below it, together within a limit.
pub(super) fn below(line: &str, body: &dyn Body, limit: usize) -> io::Result<String> {
    let room = limit.saturating_sub(characters(line) + 1);
    Ok(format!("{line}\n{}", body.within(room)?.text))
}

/// Bodies that are told as they are.
impl Body for &str {
    fn within(&self, room: usize) -> io::Result<Told> {
        if characters(self) <= room {
            return Ok(Told { text: (*self).to_owned(), whole: true });
        }
        let too_long = format!("a text of {} characters does not fit where {room} may stand", characters(self));
        Err(io::Error::new(io::ErrorKind::FileTooLarge, too_long))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_the_strictest_forge_does() {
        assert_eq!(characters("aé✓😀"), 5);
    }

    #[test]
    fn a_text_that_cannot_be_shortened_is_refused_and_not_cut() {
        assert_eq!(below("h", &"body", 6).unwrap(), "h\nbody");
        assert!(below("h", &"body", 5).unwrap_err().to_string().contains("4 characters"));
    }
}
