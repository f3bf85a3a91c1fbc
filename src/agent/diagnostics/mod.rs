//! What a device collects of its logs: packed into archives of bounded size in a folder of their own, listed, handed over
//! and deleted when asked.
//!
//! `journal` asks journald, `pack` makes an archive; files of logs come from [`Gather`]. The component `diagnostics` and
//! the commands of that name share one [`Diagnostics`].

mod journal;
mod pack;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use super::{
    command::{Refused, told},
    ledger::private_folder,
    moment::now,
    port::{Fault, Gather, Port, Run, Way, sha256, upload},
};
use crate::component::{
    command::{
        answer::{Collected, Done, File, Files, LeftOut, State, Uploaded},
        payload::Collect,
    },
    diagnostics::LinuxSources,
};
pub(crate) use journal::{Since, cursor};

/// As many archives are kept; the oldest give way.
const MOST: usize = 8;
/// What is collected when nothing is said, in MiB.
const USUAL_MIB: u32 = 16;
/// The most that is collected, in MiB.
const MOST_MIB: u32 = 512;
/// As many things that were left out are told.
const MOST_LEFT_OUT: usize = 20;
/// How far back the journal goes when nothing is said, in minutes.
const USUAL_MINUTES: u32 = 24 * 60;
const ENDING: &str = ".tar.gz";

/// The archives of a device, and how they are made.
#[derive(Debug, Clone)]
pub(crate) struct Diagnostics<R> {
    port: Port<R>,
    folder: PathBuf,
    gather: Gather,
    way: Way,
}

/// What is packed into one archive.
#[derive(Debug)]
pub(crate) struct Contents<'a> {
    pub(crate) name: &'a str,
    pub(crate) journal: Option<(&'a LinuxSources, Since)>,
    /// Whether the newest entries of the journal stay when there is no room for all.
    pub(crate) newest: bool,
    pub(crate) files: &'a [String],
    /// In bytes, before it is packed.
    pub(crate) most: u64,
}

impl<R: Run> Diagnostics<R> {
    /// Archives in a folder; files of logs come from below `allowed`.
    pub(crate) fn new(port: Port<R>, folder: &Path, allowed: &[PathBuf], way: Way) -> Self {
        let gather = Gather::new(port.tree.clone(), allowed);
        Self { gather, port, folder: folder.to_owned(), way }
    }

    /// Why nothing can be collected here; `None` when something can.
    pub(crate) fn lack(&self) -> Option<String> {
        (!self.port.has("journalctl") || !self.port.has("tar"))
            .then(|| "this device has no journald, or no tar".to_owned())
    }

    /// Collects what is asked for, and writes it to an address if one is given.
    pub(crate) async fn collect(&self, asked: &Collect) -> Result<Value, Refused> {
        let usual = format!("logs-{}", now().replace(':', ""));
        let name = asked.name.as_deref().unwrap_or(&usual);
        check_name(name)?;
        for pattern in &asked.files {
            if let Some(why) = self.gather.lack(pattern) {
                return Err(Refused::NotAllowed(why));
            }
        }
        if asked.journal.is_none() && asked.files.is_empty() {
            return Err(Refused::Payload("say what to collect: `journal`, which may be `{}`, or `files`".to_owned()));
        }
        let since = Since::Minutes(asked.minutes.unwrap_or(USUAL_MINUTES));
        let journal = asked.journal.as_ref().map(|sources| (sources, since));
        let most = bytes(asked.max_size_mib.unwrap_or(USUAL_MIB));
        let contents = Contents { name, journal, newest: true, files: &asked.files, most };
        let (path, left_out) = self.pack(&contents).await?;
        let mut collected = self.collected(&path, left_out).await?;
        if let Some(url) = &asked.url {
            upload(&self.way, &path, url).await?;
            fs::remove_file(&path).map_err(|cause| Fault::because("removing what was handed over", &cause))?;
            collected.uploaded = true;
        }
        Ok(told(&collected))
    }

    /// Packs one archive; where it is, and what is not in it.
    pub(crate) async fn pack(&self, contents: &Contents<'_>) -> Result<(PathBuf, Vec<LeftOut>), Fault> {
        let doing = |cause: io::Error| Fault::because("keeping what is collected", &cause);
        private_folder(&self.folder).map_err(doing)?;
        let packed = pack::pack(&self.port, &self.gather, &self.folder, contents).await?;
        let over = self.archives().map_err(doing)?;
        for (path, _) in over.iter().take(over.len().saturating_sub(MOST)) {
            fs::remove_file(path).map_err(doing)?;
        }
        Ok(packed)
    }

    async fn collected(&self, path: &Path, mut left_out: Vec<LeftOut>) -> Result<Collected, Fault> {
        let doing = |cause: io::Error| Fault::because("reading what was collected", &cause);
        left_out.truncate(MOST_LEFT_OUT);
        let size = fs::metadata(path).map_err(doing)?.len();
        let sha256 = sha256(path).await.map_err(doing)?;
        Ok(Collected { name: name_of(path), size, sha256, left_out, uploaded: false })
    }

    /// What was collected, the newest last.
    pub(crate) fn list(&self) -> Result<Value, Refused> {
        let archives = self.archives().map_err(|cause| Fault::because("reading what was collected", &cause))?;
        let file = |(path, about): &(PathBuf, fs::Metadata)| {
            let at = about.modified().ok().and_then(|at| jiff::Timestamp::try_from(at).ok()).unwrap_or_default();
            File { name: name_of(path), size: about.len(), at: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() }
        };
        Ok(told(&Files { files: archives.iter().map(file).collect() }))
    }

    /// Writes an archive to an address.
    pub(crate) async fn upload(&self, name: &str, url: &str) -> Result<Value, Refused> {
        let path = self.find(name)?;
        upload(&self.way, &path, url).await?;
        let Collected { name, size, sha256, .. } = self.collected(&path, Vec::new()).await?;
        Ok(told(&Uploaded { name, size, sha256 }))
    }

    /// Deletes an archive.
    pub(crate) fn delete(&self, name: &str) -> Result<Value, Refused> {
        let path = self.find(name)?;
        fs::remove_file(&path).map_err(|cause| Fault::because("deleting what was collected", &cause))?;
        Ok(told(&Done { state: State::Done }))
    }

    fn find(&self, name: &str) -> Result<PathBuf, Refused> {
        check_name(name)?;
        let path = self.folder.join(name);
        let there = name.ends_with(ENDING) && path.is_file();
        let none = || Refused::Unknown(format!("nothing was collected as `{name}`; `diagnostics.list` tells what was"));
        if there { Ok(path) } else { Err(none()) }
    }

    /// The archives, the oldest first.
    fn archives(&self) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(cause),
        };
        let mut archives = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(ENDING) {
                archives.push((entry.path(), entry.metadata()?));
            }
        }
        archives.sort_by_key(|(path, about)| (about.modified().unwrap_or(SystemTime::UNIX_EPOCH), path.clone()));
        Ok(archives)
    }
}

/// MiB as bytes, within what one archive may hold.
pub(crate) fn bytes(mib: u32) -> u64 {
    u64::from(mib.clamp(1, MOST_MIB)) << 20
}

/// Whether a text may name an archive: it stays in its folder.
fn check_name(name: &str) -> Result<(), Refused> {
    let formed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let good = (1..=128).contains(&name.len()) && !name.starts_with('.') && name.chars().all(formed);
    let why =
        || Refused::Payload(format!("`{name}` is not the name of an archive; use letters, digits, `.`, `_`, `-`"));
    good.then_some(()).ok_or_else(why)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
