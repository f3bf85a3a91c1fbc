//! One archive: first its contents in a folder, then `tar`.

use std::{
    fs,
    io::{self, Read as _, Seek as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Contents, ENDING, journal};
use crate::{
    agent::port::{Call, Fault, Found, Gather, Port, Run, Sink},
    component::command::answer::LeftOut,
};

/// How long packing may take.
const LIMIT: Duration = Duration::from_mins(10);

/// A folder that goes away, whatever becomes of the archive.
struct Room(PathBuf);

impl Room {
    /// What a crash left behind goes first.
    fn make(path: PathBuf) -> io::Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        crate::agent::ledger::private_folder(&path.join("files"))?;
        Ok(Self(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The next archive tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes an archive in `folder`; where it is, and what is not in it.
pub(super) async fn pack<R: Run>(
    port: &Port<R>,
    gather: &Gather,
    folder: &Path,
    contents: &Contents<'_>,
) -> Result<(PathBuf, Vec<LeftOut>), Fault> {
    let doing = |cause: io::Error| Fault::because("collecting logs", &cause);
    let room = Room::make(folder.join(format!(".{}.work", contents.name))).map_err(doing)?;
    let mut left_out = Vec::new();
    let mut most = contents.most;
    if let Some(asked) = &contents.journal {
        let path = room.0.join("journal.json");
        if !journal::write(port, asked, contents.newest, Sink { path: &path, most }).await? {
            let which = if contents.newest { "older" } else { "newer" };
            left_out
                .push(LeftOut { what: "journal".to_owned(), why: format!("there was no room for {which} entries") });
        }
        most = most.saturating_sub(fs::metadata(&path).map_err(doing)?.len());
    }
    left_out.extend(copy_all(gather.clone(), contents.files.to_vec(), room.0.join("files"), most).await?);
    let (next, archive) = (folder.join(format!(".{}.next", contents.name)), folder.join(named(contents.name)));
    let (from, to) = (room.0.display().to_string(), next.display().to_string());
    let asked = ["-czf", &to, "-C", &from, "--owner=0", "--group=0", "."];
    port.call(Call::new("tar", &asked).within(LIMIT)).await?.good("tar")?;
    fs::rename(&next, &archive).map_err(doing)?;
    Ok((archive, left_out))
}

/// The file of an archive.
fn named(name: &str) -> String {
    if name.ends_with(ENDING) { name.to_owned() } else { format!("{name}{ENDING}") }
}

async fn copy_all(gather: Gather, patterns: Vec<String>, into: PathBuf, most: u64) -> Result<Vec<LeftOut>, Fault> {
    let work = move || {
        let (mut most, mut left_out) = (most, Vec::new());
        for pattern in &patterns {
            let found = gather.find(pattern)?;
            if found.is_empty() {
                left_out.push(LeftOut { what: pattern.clone(), why: "there is no such file".to_owned() });
            }
            for found in found {
                let what = found.path.clone();
                match copy(found, &into, &mut most) {
                    Ok(None) => {}
                    Ok(Some(why)) => left_out.push(LeftOut { what, why }),
                    Err(cause) => left_out.push(LeftOut { what, why: format!("it cannot be read: {cause}") }),
                }
            }
        }
        Ok(left_out)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|cause| Err(Fault::because("collecting logs", &cause)))
}

/// Copies the end of a file, as much as there is room for; why not all of it, if so.
fn copy(mut found: Found, into: &Path, most: &mut u64) -> io::Result<Option<String>> {
    if *most == 0 && found.size > 0 {
        return Ok(Some("there was no room for it".to_owned()));
    }
    let place = into.join(found.path.trim_start_matches('/'));
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let skipped = found.size.saturating_sub(*most);
    found.file.seek(io::SeekFrom::Start(skipped))?;
    let mut options = fs::OpenOptions::new();
    let mut copy = options.write(true).create(true).truncate(true).mode(0o600).open(place)?;
    // It may grow meanwhile.
    *most -= io::copy(&mut found.file.take(*most), &mut copy)?;
    Ok((skipped > 0).then(|| format!("there was no room for its first {skipped} bytes")))
}
