//! What the agent needs on the device itself.

use std::{fs, path::Path};

use super::Report;
use crate::agent::{
    Config, Platform,
    ledger::private_folder,
    port::{Artifacts, Way},
    resource::{Platform as _, Resource as _, linux::Linux},
    secret_file::is_private,
};

/// Whether others may read the file with the connection string.
pub(super) fn secrets(file: Option<&Path>, report: &mut Report) {
    let Some(path) = file else { return };
    if is_private(path) {
        report.ok("secrets", format!("nobody else may read `{}`", path.display()));
    } else {
        let remedy = format!("run `chmod 600 {}`", path.display());
        report.warn("secrets", format!("others on this machine may read `{}`", path.display()), &remedy);
    }
}

/// Whether the agent may write where it has to.
pub(super) fn permissions(config: &Config, report: &mut Report) {
    let state = config.state.display();
    match private_folder(&config.state).and_then(|()| touch(&config.state)) {
        Ok(()) => report.ok("state", format!("`{state}` can be written")),
        Err(fault) => {
            report.fail("state", format!("`{state}` cannot be written: {fault}"), "name another folder with --state");
        }
    }
    let Platform::Linux { root, allowed } = &config.platform else { return };
    for folder in &allowed.files {
        let place = root.join(folder.strip_prefix("/").unwrap_or(folder));
        if place.is_dir() {
            report.ok("files", format!("`{}` is there", place.display()));
        } else {
            let remedy = "make it, or leave --files-root out";
            report.warn("files", format!("there is no folder `{}`", place.display()), remedy);
        }
    }
    if rustix::process::geteuid().is_root() {
        report.ok("user", "root");
    } else {
        let remedy = "run the agent as root, as the unit that `agent install` writes does";
        report.warn("user", "not root: settings of the system cannot be changed", remedy);
    }
}

fn touch(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join("check.probe");
    fs::write(&probe, "")?;
    fs::remove_file(probe)
}

/// Which components the device cannot have, because something is not installed.
pub(super) fn tools(config: &Config, report: &mut Report) {
    let Platform::Linux { root, allowed } = &config.platform else { return };
    let device = Linux::new(
        root,
        allowed,
        Artifacts::new(&config.state.join("artifacts"), None),
        (&config.state, Way::default()),
    );
    let mut complete = Vec::new();
    for component in device.components().iter().copied().chain(device.added()) {
        match device.resource(component).and_then(|resource| resource.lack()) {
            None => complete.push(component),
            Some(lack) => {
                report.warn("tools", format!("{component}: {lack}"), "install it if the fleet declares that component");
            }
        }
    }
    report.ok("tools", format!("complete for {}", complete.join(", ")));
}
