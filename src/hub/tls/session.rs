//! One TLS connection as bytes, without I/O. Unlike the library's own buffered kind it holds no buffer while nobody
//! talks, which is a third of the memory of an idle link.

use std::{fmt, mem, sync::Arc};

use rustls::{
    Error, ServerConfig,
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic},
};
use rustls_pki_types::CertificateDer;

/// What a record takes besides its content, at most: head, nonce or kind, tag.
const AROUND: usize = 5 + 8 + 16 + 1;
/// Longest content of a record.
const CONTENT: usize = 16 * 1024;
/// Most bytes of what is not whole yet: the longest message of a handshake in all its records, and one more.
const TORN: usize = 128 * 1024;

/// See the module. Empty buffers have no memory.
pub(super) struct Session {
    connection: UnbufferedServerConnection,
    /// The beginning of a record or a message, as it was received.
    torn: Vec<u8>,
    /// What the client said, and how much of it was read.
    plain: Vec<u8>,
    read: usize,
    /// What is to be sent, and how much of it was.
    sealed: Vec<u8>,
    sent: usize,
    /// The client said that nothing more comes.
    ended: bool,
    /// The client said what it may not.
    failed: bool,
    /// We said so.
    closed: bool,
}

impl Session {
    /// A connection whose handshake is about to begin.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let (torn, plain, sealed) = Default::default();
        let connection = UnbufferedServerConnection::new(config)?;
        Ok(Self { connection, torn, plain, read: 0, sealed, sent: 0, ended: false, failed: false, closed: false })
    }

    /// Whether the handshake is yet to be done.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The client's certificates, its own first.
    pub(super) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.connection.peer_certificates()
    }

    /// Received bytes that have to stand before those which are received next.
    pub(super) fn torn(&self) -> &[u8] {
        &self.torn
    }

    /// Takes all received bytes, [`Self::torn`] before the new ones. What there is to say about them is to be sent
    /// even after an error.
    pub(super) fn receive(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        if self.failed {
            return Err(over());
        }
        self.torn = Vec::new();
        let mut used = 0;
        if let Err(error) = self.take(bytes, &mut used) {
            self.failed = true;
            // What is to be said of it waits. The library looks for that first, and must not look any further.
            if let Ok(ConnectionState::EncodeTlsData(mut data)) =
                self.connection.process_tls_records(&mut bytes[used..]).state
            {
                append(&mut self.sealed, 0, |out| data.encode(out))?;
            }
            return Err(error);
        }
        let left = if self.ended { &[] } else { &bytes[used..] };
        if left.len() > TORN {
            return Err(Error::General("a message has no end".to_owned()));
        }
        self.torn.extend_from_slice(left);
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8], used: &mut usize) -> Result<(), Error> {
        loop {
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(&mut bytes[*used..]);
            let mut idle = false;
            let result = state.and_then(|state| {
                match state {
                    ConnectionState::ReadTraffic(mut traffic) => {
                        while let Some(record) = traffic.next_record() {
                            let record = record?;
                            discard += record.discard;
                            self.plain.extend_from_slice(record.payload);
                        }
                    }
                    ConnectionState::EncodeTlsData(mut data) => append(&mut self.sealed, 0, |out| data.encode(out))?,
                    ConnectionState::TransmitTlsData(data) => data.done(),
                    ConnectionState::PeerClosed => self.ended = true,
                    _ => idle = true,
                }
                Ok(())
            });
            *used += discard;
            if idle || result.is_err() {
                return result;
            }
        }
    }

    /// Whether the client said something that was not read.
    pub(super) fn has_plain(&self) -> bool {
        !self.plain.is_empty()
    }

    /// What the client said, up to so many bytes, through `take`.
    pub(super) fn read(&mut self, most: usize, take: impl FnOnce(&[u8])) {
        let end = self.plain.len().min(self.read + most);
        take(&self.plain[self.read..end]);
        self.read = end;
        if end == self.plain.len() {
            self.plain = Vec::new();
            self.read = 0;
        }
    }

    /// Whether the client said that nothing more comes.
    pub(super) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Encrypts the beginning of these bytes; how many of them.
    pub(super) fn seal(&mut self, plain: &[u8]) -> Result<usize, Error> {
        let plain = &plain[..plain.len().min(CONTENT)];
        self.write(plain.len() + AROUND, |traffic, out| traffic.encrypt(plain, out))?;
        Ok(plain.len())
    }

    /// Tells the client, once, that nothing more comes.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        if mem::replace(&mut self.closed, true) || self.failed || self.is_handshaking() {
            return Ok(());
        }
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method itself is not general enough")]
        self.write(2 + AROUND, |traffic, out| traffic.queue_close_notify(out))
    }

    fn write(
        &mut self,
        room: usize,
        mut write: impl FnMut(&mut WriteTraffic<'_, ServerConnectionData>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), Error> {
        if self.failed {
            return Err(over());
        }
        let UnbufferedStatus { discard, state } = self.connection.process_tls_records(&mut self.torn);
        let written = match state? {
            ConnectionState::WriteTraffic(mut traffic) => {
                append(&mut self.sealed, room, |out| write(&mut traffic, out))
            }
            _ => Err(over()),
        };
        self.torn.drain(..discard);
        written
    }

    /// What is to be sent.
    pub(super) fn to_send(&self) -> &[u8] {
        &self.sealed[self.sent..]
    }

    /// Bytes of all buffers.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.torn.capacity() + self.plain.capacity() + self.sealed.capacity()
    }

    /// So many bytes of it were.
    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.sealed.len() {
            self.sealed = Vec::new();
            self.sent = 0;
        }
    }
}

/// Nothing can be said on the connection any longer.
fn over() -> Error {
    Error::General("the connection is over".to_owned())
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("ended", &self.ended).field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// Why the library did not write: for lack of room, of which it wants so much.
trait Unwritten {
    fn wanted(self) -> Result<usize, Error>;
}

impl Unwritten for EncodeError {
    fn wanted(self) -> Result<usize, Error> {
        match self {
            Self::InsufficientSize(size) => Ok(size.required_size),
            Self::AlreadyEncoded => Err(Error::General(self.to_string())),
        }
    }
}

impl Unwritten for EncryptError {
    fn wanted(self) -> Result<usize, Error> {
        match self {
            Self::InsufficientSize(size) => Ok(size.required_size),
            Self::EncryptExhausted => Err(Error::EncryptError),
        }
    }
}

/// Lets `write` append to a buffer, in this much room or as much as it asks for.
fn append<E: Unwritten>(
    buffer: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), Error> {
    let before = buffer.len();
    loop {
        buffer.resize(before + room, 0);
        match write(&mut buffer[before..]) {
            Ok(count) => {
                buffer.truncate(before + count);
                return Ok(());
            }
            Err(error) => match error.wanted() {
                Ok(wanted) if wanted > room => room = wanted,
                Ok(_) => return Err(Error::EncryptError),
                Err(error) => {
                    buffer.truncate(before);
                    return Err(error);
                }
            },
        }
    }
}
