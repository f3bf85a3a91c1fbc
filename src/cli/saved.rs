//! The file of a plan: written whole or not at all, for its owner alone.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Exit, Failure,
    access::Access,
    login,
    permit::Permit,
    prepare::Prepared,
    replan::{Afresh, Again},
};
use crate::plan::{
    Plan,
    quota::{Looked, Quota, Throttles},
    saved::{self, Saved},
};

/// Why a plan is not kept, or not found.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot write the plan to `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot read the plan in `{}`", path.display())]
    Open {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot carry out the plan in `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        cause: saved::SavedError,
    },
}

/// Why a plan of a snapshot may not be kept.
pub(crate) fn for_no_hub() -> Failure {
    Failure::usage("a plan is kept for one hub, and nobody has said which").help("declare `spec.hub.hostname`")
}

/// Keeps a plan. The file is there as a whole, with its rights, or as it was before.
pub(crate) fn write(path: &Path, plan: &Plan, hub: &str, whole: bool) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let next = path.with_file_name(format!(".{name}.{}-{:08x}", std::process::id(), fastrand::u32(..)));
    let written = fill(&next, plan, hub, whole).and_then(|()| fs::rename(&next, path));
    written.map_err(|cause| {
        let _only_litter_is_left = fs::remove_file(&next);
        FileError::Write { path: path.to_owned(), cause }.into()
    })
}

fn fill(path: &Path, plan: &Plan, hub: &str, whole: bool) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(path)?);
    saved::write(plan, hub, whole, &mut out)?;
    out.write_all(b"\n")?;
    out.into_inner()?.sync_all()
}

/// Reads a plan.
pub(crate) fn read(path: &Path) -> Result<Saved, Failure> {
    let file = File::open(path).map_err(|cause| FileError::Open { path: path.to_owned(), cause })?;
    let read = saved::read(BufReader::new(file));
    read.map_err(|cause| {
        Failure::from(FileError::Read { path: path.to_owned(), cause }).help("plan again: `twinops plan --out FILE`")
    })
}

/// The plan that was saved, judged by the guards of today. One for another fleet or another hub is refused.
pub(crate) fn take(
    saved: Saved,
    prepared: &Prepared,
    access: Access<'_>,
    permit: &Permit,
    throttles: Option<Throttles>,
) -> Result<Plan, Failure> {
    let fleet = prepared.planner.fleet();
    let hub = login::hub_name(fleet, access, false)?.unwrap_or_default();
    let Saved { mut plan, hub: planned_for, whole } = saved;
    for (what, planned, here) in [("fleet", &plan.fleet, &fleet.name), ("hub", &planned_for, &hub)] {
        if planned != here {
            let message = format!("the plan is for the {what} `{planned}`, and this is `{here}`");
            return Err(Failure::new(Exit::Failed, message).help("nothing was written; plan again"));
        }
    }
    plan.quota = throttles.map(|throttles| Quota::predict(throttles, &plan, Looked::Before));
    permit.judge(&prepared.planner, &mut plan, whole);
    Ok(plan)
}

/// Planning that comes to what `plan` has, or to nothing.
pub(crate) fn only(afresh: Afresh, plan: &Plan) -> Again {
    let registered = |group: &crate::plan::Group| {
        let patch = Arc::clone(&group.patch);
        let new: Vec<_> = group.devices.iter().filter(|planned| planned.register.is_some()).collect();
        new.into_iter().map(move |planned| (planned.device.clone(), Arc::clone(&patch))).collect::<Vec<_>>()
    };
    Again::AsSaved { afresh, new: plan.groups.iter().flat_map(registered).collect() }
}
