//! An adoption for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{AdoptionReport, Written};
use crate::{
    plan::adopt::{Adopted, Home, LeftBehind, Seen},
    report::{
        json::{self, Each, LocationView, VERSION},
        places::Places,
        value::Shown,
    },
};

/// What was changed in the hub and is declared by git from now on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Adoption")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The commit whose documents are changed; empty for files on disk.
    revision: &'a str,
    /// Where it was written; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<WrittenView<'a>>,
    /// In order of file, then of path.
    adopted: Each<'a, Adopted, AdoptedView<'a>>,
    /// What stays drift.
    left: Each<'a, LeftBehind, LeftView<'a>>,
}

/// Where an adoption was written: a commit, or the files on disk.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Written")]
struct WrittenView<'a> {
    /// Whether it is in the files on disk, and in no commit.
    worktree: bool,
    /// The branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    /// The commit on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    /// The remote that the branch was pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<&'a str>,
}

/// One value of one document.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Adopted")]
struct AdoptedView<'a> {
    /// The kind of document that says it from now on.
    home: HomeKind,
    /// Name of the profile or of the device.
    name: &'a str,
    /// Where in the twin.
    path: String,
    /// What git declared; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Shown<'a>>,
    /// What the twins hold; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Shown<'a>>,
    /// The line as it was before; of a new document, its file.
    place: LocationView,
    /// The twins that it was read from.
    twins: Vec<SeenView<'a>>,
    /// Devices that take the value from the profile, where each of those listed gets a line of its own instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_by: Option<u64>,
}

/// Kinds of documents that take a value over.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum HomeKind {
    /// A profile: every device that takes the value from it holds the same one.
    Profile,
    /// The device's own document.
    Device,
    /// A document that the device gets.
    NewDevice,
}

/// A twin that a value was read from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Seen")]
struct SeenView<'a> {
    /// The device.
    device: &'a str,
    /// `$version` of its desired properties.
    version: u64,
    /// When the value was changed, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a str>,
}

/// A value that stays drift.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Left")]
struct LeftView<'a> {
    /// The device.
    device: &'a str,
    /// Where in the twin.
    path: String,
    /// Why, in one sentence.
    why: String,
}

pub(super) fn write(report: &AdoptionReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let places = report.places;
    let view = View {
        version: VERSION,
        kind: "adoption",
        fleet: report.fleet,
        revision: report.revision,
        written: report.written.map(written),
        adopted: Each::new(&report.adoption.adopted, move |one| adopted(one, places)),
        left: Each::new(&report.adoption.left, |left| LeftView {
            device: left.device.as_str(),
            path: left.path.to_string(),
            why: left.why.to_string(),
        }),
    };
    json::write(&view, out)
}

fn written(written: &Written) -> WrittenView<'_> {
    match written {
        Written::Worktree => WrittenView { worktree: true, branch: None, commit: None, remote: None },
        Written::Branch { branch, commit, remote } => {
            WrittenView { worktree: false, branch: Some(branch), commit: Some(commit), remote: remote.as_deref() }
        }
    }
}

fn adopted<'a>(one: &'a Adopted, places: &dyn Places) -> AdoptedView<'a> {
    let (home, name) = match &one.home {
        Home::Profile(name) => (HomeKind::Profile, &**name),
        Home::Device(id) => (HomeKind::Device, id.as_str()),
        Home::NewDevice(id) => (HomeKind::NewDevice, id.as_str()),
    };
    AdoptedView {
        home,
        name,
        path: one.path.to_string(),
        from: Shown::new(one.from.as_ref(), false).some(),
        to: Shown::new(one.to.as_ref(), false).some(),
        place: LocationView::of(places, &one.place),
        twins: one.twins.iter().map(seen).collect(),
        shared_by: one.shared_by,
    }
}

fn seen(seen: &Seen) -> SeenView<'_> {
    SeenView { device: seen.device.as_str(), version: seen.version, since: seen.since.as_deref() }
}
