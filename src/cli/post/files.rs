//! What a job leaves besides: the file that its workflow keeps, and the summary that its forge shows.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::body::Telling;
use crate::{cli::Failure, forge::Body as _};

/// Names the file in which GitHub looks for a job's summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// Bytes of a summary: 1 MiB for all that a step writes.
const LARGEST: u64 = 1 << 20;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report to `{}`", path.display())]
struct FileError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// Writes the whole report to its file, and what there is room for into the summary.
pub(super) fn write(telling: &Telling<'_>) -> Result<(), Failure> {
    let failed = |path: &Path, cause| FileError { path: path.to_owned(), cause };
    if let Some(path) = telling.attached {
        attach(path, telling).map_err(|cause| failed(path, cause))?;
    }
    if let Some(path) = std::env::var_os(SUMMARY).filter(|path| !path.is_empty()).map(PathBuf::from) {
        summarize(&path, telling).map_err(|cause| failed(&path, cause))?;
    }
    Ok(())
}

fn attach(path: &Path, telling: &Telling<'_>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    telling.whole(&mut out)?;
    out.flush()
}

/// Adds to what the step has written before. A character has four bytes at most.
fn summarize(path: &Path, telling: &Telling<'_>) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    let left = LARGEST.saturating_sub(file.metadata()?.len() + 1);
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    let mut told = telling.within(left)?;
    if told.text.len() > left {
        told = telling.within(left / 3)?;
    }
    if told.text.len() <= left {
        writeln!(file, "{}", told.text)?;
    }
    Ok(())
}
