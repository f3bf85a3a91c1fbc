//! Where lines go in the end: a file that is moved aside when it is big, or a writer.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::PoisonError,
};

use super::config::{EventFile, EventTarget, EventWriter};

/// Takes whole lines, in order.
pub(super) trait Sink: Send {
    /// Takes them all, or fails. What was taken before a failure may be there or not. With `durable` they survive a
    /// crash of the machine as far as this sink can see to it.
    fn write(&mut self, lines: &[u8], durable: bool) -> io::Result<()>;
}

/// Opens what the configuration names.
pub(super) fn open(target: &EventTarget) -> io::Result<Box<dyn Sink>> {
    Ok(match target {
        EventTarget::File(file) => Box::new(Rotating::open(file)?),
        EventTarget::Writer(writer) => Box::new(writer.clone()),
    })
}

impl Sink for EventWriter {
    fn write(&mut self, lines: &[u8], _: bool) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(lines)?;
        writer.flush()
    }
}

/// A file that is moved aside when it is big.
#[derive(Debug)]
struct Rotating {
    config: EventFile,
    /// Nothing after a failure: the next write opens it again.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: File,
    bytes: u64,
}

impl Rotating {
    fn open(config: &EventFile) -> io::Result<Self> {
        // Those that a hub left which kept more of them.
        for old in (config.keep + 1..).map(|number| numbered(config, number)).take_while(|old| old.exists()) {
            fs::remove_file(old)?;
        }
        Ok(Self { current: Some(Current::open(&config.path)?), config: config.clone() })
    }

    fn append(&mut self, lines: &[u8], durable: bool) -> io::Result<()> {
        if self.current.as_ref().is_some_and(|current| current.bytes >= self.config.most_bytes) {
            self.rotate()?;
        }
        let current = match &mut self.current {
            Some(current) => current,
            none => none.insert(Current::open(&self.config.path)?),
        };
        current.append(lines, durable)
    }

    fn rotate(&mut self) -> io::Result<()> {
        if let Some(current) = self.current.take() {
            current.file.sync_data()?;
        }
        let numbered = |number| numbered(&self.config, number);
        for number in (1..self.config.keep).rev().filter(|number| numbered(*number).exists()) {
            fs::rename(numbered(number), numbered(number + 1))?;
        }
        if self.config.keep == 0 {
            fs::remove_file(&self.config.path)
        } else {
            fs::rename(&self.config.path, numbered(1))
        }
    }
}

/// The file that was moved aside so many times.
fn numbered(config: &EventFile, number: u32) -> PathBuf {
    PathBuf::from(format!("{}.{number}", config.path.display()))
}

impl Sink for Rotating {
    fn write(&mut self, lines: &[u8], durable: bool) -> io::Result<()> {
        let written = self.append(lines, durable);
        if written.is_err() {
            self.current = None;
        }
        written
    }
}

impl Current {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut bytes = file.metadata()?.len();
        // A line that a crash cut short must not spoil the next one. What is no file has no end to look at.
        if bytes > 0 && file.seek(SeekFrom::End(-1)).is_ok() {
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(Self { file, bytes })
    }

    fn append(&mut self, lines: &[u8], durable: bool) -> io::Result<()> {
        let written = self.file.write_all(lines).and_then(|()| if durable { self.file.sync_data() } else { Ok(()) });
        if written.is_err() {
            // Takes back what was written of it; if even that fails, whoever opens it next ends the line.
            let _ = self.file.set_len(self.bytes);
            return written;
        }
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(path: &Path, most_bytes: u64, keep: u32) -> Rotating {
        Rotating::open(&EventFile { path: path.to_owned(), most_bytes, keep }).unwrap()
    }

    #[test]
    fn a_big_file_is_moved_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.ndjson");
        let mut sink = sink(&path, 4, 2);
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            sink.write(line.as_bytes(), true).unwrap();
        }
        let read = |suffix: &str| fs::read_to_string(format!("{}{suffix}", path.display())).unwrap();
        assert_eq!([read(""), read(".1"), read(".2")], ["four\n", "three\n", "two\n"]);
        assert!(!folder.path().join("e.ndjson.3").exists());
        drop(self::sink(&path, 4, 0));
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["e.ndjson"], "a hub that is to keep fewer keeps no more");
    }

    #[test]
    fn a_line_that_was_cut_short_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.ndjson");
        fs::write(&path, "{\"half").unwrap();
        sink(&path, 1000, 1).write(b"{}\n", false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"half\n{}\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.ndjson");
        let mut sink = sink(&path, 1, 1);
        sink.write(b"a\n", false).unwrap();
        let in_the_way = folder.path().join("e.ndjson.1");
        fs::create_dir_all(in_the_way.join("full")).unwrap();
        assert!(sink.write(b"b\n", true).is_err());
        fs::remove_dir_all(in_the_way).unwrap();
        sink.write(b"c\n", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nc\n");
    }
}
