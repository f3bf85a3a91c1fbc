//! What was adopted: which values of which twins went into which lines, and what stays drift.

mod json;
mod message;
mod parts;
mod remarks;
#[cfg(test)]
mod tests;
mod text;

use std::{collections::BTreeMap, io};

pub(crate) use json::View;
pub use message::message;

use super::{
    Places,
    page::Part,
    paper::{Paper, Report},
    places::origin,
    remark::Remark,
    value::{Shown, pair},
    words,
};
use crate::{
    plan::adopt::{Adopted, Adoption, Home, Left, LeftBehind},
    twin::{DeviceId, PropertyPath},
};

/// An adoption, to be told.
#[derive(Clone, Copy)]
pub struct AdoptionReport<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The revision whose documents are changed; empty for files on disk.
    pub revision: &'a str,
    /// What goes where.
    pub adoption: &'a Adoption,
    /// Where it was written; `None`: nowhere.
    pub written: Option<&'a Written>,
    /// The files as they were.
    pub places: &'a dyn Places,
}

/// Where an adoption was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A commit on a branch.
    Branch {
        /// Its name.
        branch: String,
        /// The commit's id.
        commit: String,
        /// The remote that it was pushed to, if it was.
        remote: Option<String>,
    },
    /// The files on disk.
    Worktree,
}

/// Values that stay drift for the same reason at the same path.
struct Rest<'a> {
    path: &'a PropertyPath,
    why: &'a Left,
    devices: Vec<&'a DeviceId>,
}

impl AdoptionReport<'_> {
    fn left(&self) -> Vec<Rest<'_>> {
        let mut all: BTreeMap<(&Left, &PropertyPath), Vec<&DeviceId>> = BTreeMap::new();
        for LeftBehind { device, path, why } in &self.adoption.left {
            all.entry((why, path)).or_default().push(device);
        }
        all.into_iter().map(|((why, path), devices)| Rest { path, why, devices }).collect()
    }

    /// `2 values of 13 devices adopted; 1 left as it is`.
    fn summary(&self) -> String {
        let values = words::wide(self.adoption.adopted.len());
        let left = words::wide(self.adoption.left.len());
        let devices = words::count(words::wide(self.adoption.devices()), "device");
        let adopted = format!("{} of {devices} adopted", words::count(values, "value"));
        match (values, left) {
            (0, 0) => "nothing was changed in the hub".to_owned(),
            (0, _) => format!("nothing adopted; {} left as they are", words::count(left, "value")),
            (_, 0) => adopted,
            _ => format!("{adopted}; {left} left as they are"),
        }
    }

    /// Where it was written, and what to do next.
    fn outcome(&self) -> Option<String> {
        Some(match self.written? {
            Written::Worktree => "written into the files on disk; `git diff` shows it".to_owned(),
            Written::Branch { branch, commit, remote: None } => {
                format!("commit `{}` on branch `{branch}`; `git push` takes it to review", words::short(commit))
            }
            Written::Branch { branch, commit, remote: Some(remote) } => {
                format!("commit `{}` on branch `{branch}`, pushed to `{remote}`", words::short(commit))
            }
        })
    }
}

/// `"a" -> "b"`.
fn change(adopted: &Adopted) -> (String, String) {
    pair(Shown::new(adopted.from.as_ref(), false), Shown::new(adopted.to.as_ref(), false))
}

/// Which document says it from now on, and why that one.
fn home(adopted: &Adopted) -> String {
    let devices = words::count(words::wide(adopted.twins.len()), "device");
    let smaller = |document: &str| match adopted.shared_by {
        Some(shared) => format!(
            "{document}: {} take the value from a profile, not all hold this one",
            words::count(shared, "device")
        ),
        None => document.to_owned(),
    };
    match &adopted.home {
        Home::Profile(name) => format!("in the profile `{name}`: all of its {devices} here hold it"),
        Home::Device(id) => smaller(&format!("in the document of `{id}`")),
        Home::NewDevice(id) => smaller(&format!("in a new document for `{id}`")),
    }
}

fn twins<'a>(adopted: &'a Adopted, most: usize, show: impl Fn(&str) -> String) -> String {
    let devices: Vec<&'a DeviceId> = adopted.twins.iter().map(|seen| &seen.device).collect();
    words::named(devices.iter().copied(), devices.len(), most, show)
}

fn place(report: &AdoptionReport<'_>, adopted: &Adopted) -> String {
    match adopted.home {
        Home::NewDevice(_) => adopted.place.file.to_string(),
        Home::Profile(_) | Home::Device(_) => origin(report.places, &adopted.place),
    }
}

impl Report for AdoptionReport<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn parts(&self, paper: &Paper) -> Vec<Part> {
        parts::of(self, paper)
    }

    fn remarks(&self, paper: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()> {
        remarks::tell(self, paper, take)
    }

    fn sum(&self) -> (&'static str, String) {
        ("Adopt", self.summary())
    }
}
