//! The write-ahead log as it lies on the disk (<https://sqlite.org/fileformat.html#the_write_ahead_log>).

use std::{fs, path::Path};

/// Bytes before the first frame, and of what precedes each page.
const HEAD: usize = 32;
pub(crate) const FRAME_HEAD: usize = 24;
pub(crate) const PAGE: usize = 8192;
pub(crate) const FRAME: usize = FRAME_HEAD + PAGE;

/// How far a log reaches: up to the end of its last commit. One that was started afresh has other salts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    salts: Vec<u8>,
    pub(crate) end: usize,
}

impl Reach {
    pub(crate) fn of(state: &Path) -> Self {
        Self::up_to(state, usize::MAX)
    }

    /// Of what lies before `at`.
    pub(crate) fn up_to(state: &Path, at: usize) -> Self {
        let log = fs::read(state.join("hub.db-wal")).unwrap();
        let log = &log[..at.min(log.len())];
        let salts = log.get(16..24).unwrap_or_default().to_vec();
        let mut end = HEAD;
        let frames = log.get(HEAD..).unwrap_or_default().chunks_exact(FRAME);
        for (at, frame) in frames.enumerate().take_while(|(_, frame)| frame[8..16] == *salts) {
            // The size of the database stands in the last frame of a commit alone.
            if frame[4..8] != [0; 4] {
                end = HEAD + (at + 1) * FRAME;
            }
        }
        Self { salts, end }
    }

    /// How many pages that is.
    pub(crate) fn pages(&self) -> usize {
        (self.end - HEAD) / FRAME
    }

    /// Whether what reached so far survives when this log is damaged from `at` on: it lies before, or was moved into
    /// the database before the log was started afresh.
    pub(crate) fn keeps(&self, earlier: &Self, at: usize) -> bool {
        earlier.salts != self.salts || earlier.end <= at
    }
}
