//! Reads the fields of a packet one after the other, and never past its end.

use super::CodecError;

/// What is left of a packet's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.0.split_first().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn number(&mut self) -> Result<u16, CodecError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// A packet identifier, which is never 0.
    pub(super) fn packet_id(&mut self) -> Result<u16, CodecError> {
        match self.number()? {
            0 => Err(CodecError::PacketId),
            id => Ok(id),
        }
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::from(self.number()?);
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Text behind its length.
    pub(super) fn text(&mut self) -> Result<&'a str, CodecError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| CodecError::Text)?;
        if text.contains('\0') { Err(CodecError::Text) } else { Ok(text) }
    }

    /// Nothing may be left.
    pub(super) const fn end(self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::Trailing(self.0.len())) }
    }
}
