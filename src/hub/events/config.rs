//! Which events leave the hub, and where they go.

use std::{
    fmt,
    io::Write,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex},
};

/// Events and messages that leave the hub.
#[derive(Debug, Clone)]
pub struct Events {
    /// Where they go.
    pub target: EventTarget,
    /// Which ones.
    pub kinds: Vec<EventKind>,
}

/// One kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Messages of devices.
    Telemetry,
    /// Writes of twins, by the service or the device.
    TwinChanges,
    /// Identities that were made, changed or deleted.
    Lifecycle,
    /// Devices that came or went.
    Connections,
}

/// Where events go.
#[derive(Debug, Clone)]
pub enum EventTarget {
    /// To the end of a file.
    File(EventFile),
    /// To whoever reads this, e.g. stdout; it is flushed, and that is all that can be done for it.
    Writer(EventWriter),
}

/// A file of events. Messages of devices are synced to disk before the device is told that they were accepted;
/// events are handed to the operating system, and synced with the next message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFile {
    /// The file; made, for its owner alone, if it is not there.
    pub path: PathBuf,
    /// From this size on it is moved to `<path>.1`, what was there to `<path>.2`, and so on.
    pub most_bytes: u64,
    /// How many of those are kept; the oldest goes.
    pub keep: u32,
}

/// Something to write to that can be passed on.
#[derive(Clone)]
pub struct EventWriter(pub(super) Arc<Mutex<Box<dyn Write + Send>>>);

impl EventWriter {
    /// Writes to this.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(writer))))
    }
}

impl fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventWriter")
    }
}

/// There is no event of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of event; there are telemetry, twin-changes, lifecycle and connections")]
pub struct NoSuchEvent(String);

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Telemetry, Self::TwinChanges, Self::Lifecycle, Self::Connections];

    /// Its word in options.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::TwinChanges => "twin-changes",
            Self::Lifecycle => "lifecycle",
            Self::Connections => "connections",
        }
    }
}

impl FromStr for EventKind {
    type Err = NoSuchEvent;

    fn from_str(text: &str) -> Result<Self, NoSuchEvent> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| NoSuchEvent(text.to_owned()))
    }
}
