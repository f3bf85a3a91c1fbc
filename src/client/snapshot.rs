//! Twins from a file: one on each line, as `twinops query` prints them, or all in a JSON array.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use serde_json::Value;
use tokio::sync::mpsc;

use super::flatten::Flatten;
use crate::{
    query::{Query, QueryError, Source},
    reconcile::ports::{HubError, Page, TwinRead, TwinText},
    twin::{DeviceId, TwinRow},
};

/// How much is read at once; a page ends at the last line end in it.
const STRETCH: usize = 1 << 20;
/// A line longer than this is no twin.
const LONGEST_LINE: usize = 16 << 20;
/// Pages read ahead.
const AHEAD: usize = 2;

/// Why a snapshot does not give what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file is something else altogether.
    #[error("{} holds neither a twin on each line nor a JSON array of twins", .0.display())]
    NoLines(PathBuf),
    /// The statement cannot be understood.
    #[error("the statement cannot be understood")]
    Statement(#[from] QueryError),
    /// The statement asks for more than a file can answer.
    #[error("a snapshot answers `SELECT * FROM devices` with or without a `WHERE`, and nothing else")]
    Unsupported,
    /// A line that is no JSON.
    #[error("line {line} of {} is no JSON", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
}

impl From<SnapshotError> for HubError {
    fn from(error: SnapshotError) -> Self {
        match error {
            error @ SnapshotError::Read { .. } => Self::Unreachable(Box::new(error)),
            other => Self::Answer(Box::new(other)),
        }
    }
}

/// A file with a twin on each line, or with an array of them. It is read afresh every time, in stretches, never as a whole.
#[derive(Debug, Clone)]
pub struct Snapshot {
    path: Arc<Path>,
}

impl Snapshot {
    /// A snapshot at `path`; looked into when it is first read.
    pub fn new(path: impl Into<Arc<Path>>) -> Self {
        Self { path: path.into() }
    }

    /// Reads on a thread of its own; the stream ends after the first error.
    fn pages(&self, keep: impl FnMut(Page) -> Result<Page, SnapshotError> + Send + 'static) -> Pages {
        let (to, from) = mpsc::channel(AHEAD);
        let path = Arc::clone(&self.path);
        tokio::task::spawn_blocking(move || {
            let mut keep = keep;
            let mut lines = Lines::new(path, STRETCH);
            // Nobody listens any more: nobody wants the rest.
            while let Some(page) = lines.next_page().map(|page| page.and_then(&mut keep)) {
                if to.blocking_send(page).is_err() {
                    break;
                }
            }
        });
        from
    }
}

type Pages = mpsc::Receiver<Result<Page, SnapshotError>>;

impl TwinRead for Snapshot {
    /// Looks through the whole file.
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        let device = device.clone();
        let mut pages = self.pages(move |page| Ok(Page::Lines(find(&page, &device).unwrap_or_default())));
        while let Some(page) = pages.recv().await {
            if let Page::Lines(text) = page?
                && !text.is_empty()
            {
                return Ok(Some(TwinText(text)));
            }
        }
        Ok(None)
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        let (pages, refused) = match Filter::new(statement, &self.path) {
            Ok(mut filter) => (Some(self.pages(move |page| filter.keep(page))), None),
            Err(error) => (None, Some(error)),
        };
        stream::unfold((pages, refused), async |(mut pages, refused)| {
            let page = match (&mut pages, refused) {
                (_, Some(error)) => Err(error),
                (Some(pages), None) => pages.recv().await?,
                (None, None) => return None,
            };
            Some((page.map_err(HubError::from), (pages, None)))
        })
    }
}

/// The part of a page that a statement selects.
struct Filter {
    query: Query,
    path: Arc<Path>,
    line: u64,
}

impl Filter {
    fn new(statement: &str, path: &Arc<Path>) -> Result<Self, SnapshotError> {
        let query = Query::parse(statement)?;
        if query.source() != Source::Devices || !query.select_all() || query.is_aggregate() || query.top().is_some() {
            return Err(SnapshotError::Unsupported);
        }
        Ok(Self { query, path: Arc::clone(path), line: 0 })
    }

    fn keep(&mut self, page: Page) -> Result<Page, SnapshotError> {
        let (Page::Lines(text), Some(condition)) = (&page, self.query.condition()) else { return Ok(page) };
        let mut kept = BytesMut::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            self.line += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let broken = |cause| SnapshotError::Line { path: self.path.to_path_buf(), line: self.line, cause };
            if condition.matches(&serde_json::from_slice::<Value>(line).map_err(broken)?) {
                kept.extend_from_slice(line);
            }
        }
        Ok(Page::Lines(kept.freeze()))
    }
}

/// The line of one device. Lines that are broken are somebody else's to complain about.
fn find(page: &Page, device: &DeviceId) -> Option<Bytes> {
    let (Page::Lines(text) | Page::Array(text)) = page;
    let is_it = |line: &&[u8]| {
        serde_json::from_slice::<TwinRow<'_>>(line)
            .is_ok_and(|row| row.device_id == device.as_str() && row.module_id.is_none())
    };
    text.split(|byte| *byte == b'\n').find(is_it).map(|line| text.slice_ref(line))
}

/// A file in pages that end at line ends.
struct Lines {
    path: Arc<Path>,
    stretch: usize,
    file: Option<File>,
    rest: BytesMut,
    /// Set when the file is an array.
    array: Option<Flatten>,
    state: State,
}

#[derive(PartialEq)]
enum State {
    New,
    Reading,
    Ended,
}

impl Lines {
    fn new(path: Arc<Path>, stretch: usize) -> Self {
        Self { path, stretch, file: None, rest: BytesMut::new(), array: None, state: State::New }
    }

    fn next_page(&mut self) -> Option<Result<Page, SnapshotError>> {
        if self.state == State::Ended {
            return None;
        }
        let page = self.read().transpose();
        if !matches!(page, Some(Ok(_))) {
            self.state = State::Ended;
        }
        page.map(|text| text.map(Page::Lines))
    }

    fn read(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        loop {
            let read = self.more().map_err(|cause| SnapshotError::Read { path: self.path.to_path_buf(), cause })?;
            let fresh = self.rest.len() - read;
            if self.state == State::New {
                self.check_start()?;
            }
            if let Some(array) = &mut self.array {
                array.rewrite(&mut self.rest[fresh..]);
            }
            if let Some(end) = self.rest[fresh..].iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(self.rest.split_to(fresh + end + 1).freeze()));
            }
            if read == 0 {
                let last = self.rest.split();
                return Ok((!last.is_empty()).then(|| last.freeze()));
            }
            if self.rest.len() > LONGEST_LINE {
                return Err(SnapshotError::NoLines(self.path.to_path_buf()));
            }
        }
    }

    fn more(&mut self) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        let before = self.rest.len();
        self.rest.resize(before + self.stretch, 0);
        let read = file.read(&mut self.rest[before..]);
        self.rest.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    fn check_start(&mut self) -> Result<(), SnapshotError> {
        let first = self.rest.iter().find(|byte| !byte.is_ascii_whitespace());
        if first.is_some() {
            self.state = State::Reading;
        }
        match first {
            None | Some(b'{') => Ok(()),
            Some(b'[') => {
                self.array = Some(Flatten::default());
                Ok(())
            }
            Some(_) => Err(SnapshotError::NoLines(self.path.to_path_buf())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_stands_in_the_file_pages_end_at_line_ends_and_nothing_is_lost(
            text in "\\{[a\n{}\"]{0,200}",
            stretch in 1_usize..20,
        ) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &text).unwrap();
            let mut lines = Lines::new(file.path().into(), stretch);
            let mut all = Vec::new();
            while let Some(page) = lines.next_page() {
                let Page::Lines(page) = page.unwrap() else { panic!("lines") };
                prop_assert!(page.ends_with(b"\n") || all.len() + page.len() == text.len());
                all.extend_from_slice(&page);
            }
            prop_assert_eq!(all, text.as_bytes());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let page = Page::Lines(bytes.into());
            let path: Arc<Path> = Path::new("x").into();
            let mut filter = Filter::new("SELECT * FROM devices WHERE tags.a = 1", &path).unwrap();
            prop_assert!(find(&page, &"a".parse().unwrap()).is_none());
            let _read_or_refused = filter.keep(page);
        }
    }
}
