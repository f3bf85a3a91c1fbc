//! Earlier reports, from files.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{Failure, Printer, args::PastArgs};
use crate::report::{Earlier, EarlierError, Moment, Past};

/// Reports of a history that are drawn: the latest.
const MOMENTS: usize = 200;

/// What was read.
pub(crate) struct Kept {
    since: Option<Earlier>,
    history: Vec<Moment>,
}

/// A file of an earlier report cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PastError {
    #[error("`{}` cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` is no earlier report of this fleet", path.display())]
    Report { path: PathBuf, source: EarlierError },
}

impl Kept {
    /// Reads what the arguments name. A file of the history that is none is passed over with a warning: the folder may
    /// hold reports of other kinds.
    pub(crate) fn read(args: &PastArgs, fleet: &str, printer: &Printer) -> Result<Self, Failure> {
        let since = args.since.as_deref().map(|path| read(path, |input| Earlier::read(input, fleet)));
        let since = since.transpose().map_err(|error| {
            Failure::from(error).help("give a report that `--format json` of the same command has written")
        })?;
        let mut history = Vec::new();
        for path in args.history.as_deref().map(reports).transpose()?.unwrap_or_default() {
            match read(&path, |input| Moment::read(input, fleet)) {
                Ok(moment) => history.push(moment),
                Err(PastError::Report { path, source }) => {
                    printer.warn(format_args!("`{}` is passed over: {source}", path.display()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        history.sort_by_key(|moment| moment.time);
        history.drain(..history.len().saturating_sub(MOMENTS));
        Ok(Self { since, history })
    }

    /// The same for a report that is made now.
    pub(crate) fn past(&self) -> Past<'_> {
        Past { time: Some(Timestamp::now()), since: self.since.as_ref(), history: &self.history }
    }
}

fn read<T>(path: &Path, read: impl FnOnce(BufReader<File>) -> Result<T, EarlierError>) -> Result<T, PastError> {
    let file = File::open(path).map_err(|source| PastError::Read { path: path.to_owned(), source })?;
    read(BufReader::new(file)).map_err(|source| PastError::Report { path: path.to_owned(), source })
}

/// The JSON files of a folder, in order of name.
fn reports(folder: &Path) -> Result<Vec<PathBuf>, PastError> {
    let unreadable = |source| PastError::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Terminal, Verbosity, args::Color};

    fn report(fleet: &str, time: &str) -> String {
        let time = if time.is_empty() { String::new() } else { format!("\"time\": \"{time}\",") };
        format!(
            r#"{{"version": 1, "kind": "standing", "fleet": "{fleet}", "revision": "r", {time} "devices": {{"drifted": 1}}}}"#
        )
    }

    #[test]
    fn a_history_is_what_its_folder_has_of_this_fleet_in_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("a.json", report("f", "2026-09-02T08:00:00Z")),
            ("b.json", report("f", "2026-09-01T08:00:00Z")),
            ("c.json", report("other", "2026-09-01T08:00:00Z")),
            ("d.json", report("f", "")),
            ("e.json", "{".to_owned()),
            ("f.txt", "no report".to_owned()),
        ];
        for (name, text) in &files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let printer = Printer::new(Color::Never, Verbosity::Quiet, Terminal::default());
        let args = |since: Option<&str>| PastArgs {
            since: since.map(|name| folder.path().join(name)),
            history: Some(folder.path().to_owned()),
            by: "tags.site".parse().unwrap(),
        };
        let kept = Kept::read(&args(Some("d.json")), "f", &printer).unwrap();
        let times: Vec<_> = kept.history.iter().map(|moment| moment.time.to_string()).collect();
        assert_eq!(times, ["2026-09-01T08:00:00Z", "2026-09-02T08:00:00Z"]);
        assert!(kept.past().since.is_some_and(|since| since.time.is_none()));
        for (name, words) in
            [("none.json", "cannot be read"), ("e.json", "no earlier report"), ("c.json", "no earlier")]
        {
            let Err(failure) = Kept::read(&args(Some(name)), "f", &printer) else { panic!("{name} is refused") };
            assert!(failure.error.to_string().contains(words), "{}", failure.error);
        }
    }
}
