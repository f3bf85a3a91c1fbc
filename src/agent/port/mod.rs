//! The one way to the machine: files below a root, and programs by argument vectors.
//!
//! Resources touch the device through here alone, so that each can be tested against a folder and recorded answers of
//! programs. `tree` has the files, `guarded` those in folders that others may write to, `run` the programs, `artifacts`
//! what is fetched from elsewhere, `upload` what is handed over, `gather` finds files of logs.

mod artifacts;
mod fault;
mod gather;
mod guarded;
#[cfg(test)]
pub(crate) mod recorded;
mod run;
#[cfg(test)]
mod sample;
mod tree;
mod upload;

use std::path::Path;

pub(crate) use self::{
    artifacts::{Artifacts, hex, sha256},
    fault::Fault,
    gather::{Found, Gather},
    guarded::Guarded,
    run::{Call, Output, Run, Sink, System},
    tree::{Kept, Tree, machine},
    upload::{Way, upload},
};

/// Where programs are looked for.
const PROGRAMS: [&str; 6] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];

/// A device: its files and its programs.
#[derive(Debug, Clone)]
pub(crate) struct Port<R> {
    /// Its files.
    pub(crate) tree: Tree,
    run: R,
    /// Whether systemd looks after the system below the root.
    live: bool,
}

impl<R: Run> Port<R> {
    /// The device whose file system begins at `root`: `/`, or that of an image.
    pub(crate) fn new(root: &Path, run: R) -> Self {
        let live = root == Path::new("/") && Path::new("/run/systemd/system").is_dir();
        Self { tree: Tree::new(root), run, live }
    }

    /// Whether the device runs and systemd looks after it; otherwise only its files are there.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Whether a program is installed.
    pub(crate) fn has(&self, program: &str) -> bool {
        PROGRAMS.iter().any(|folder| self.tree.exists(&format!("{folder}/{program}")))
    }

    /// Runs a program to its end, which must be a good one; what it printed.
    pub(crate) async fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Fault> {
        self.call(Call::new(program, arguments)).await?.good(program)
    }

    /// Runs a program to whatever end.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Output, Fault> {
        self.run.run(call).await
    }

    /// Asks systemd, or `systemctl` about the units of an image.
    pub(crate) async fn systemctl(&self, arguments: &[&str]) -> Result<String, Fault> {
        if self.tree.is_system() {
            return self.run("systemctl", arguments).await;
        }
        let root = format!("--root={}", self.tree.root().display());
        self.run("systemctl", &[&[root.as_str()], arguments].concat()).await
    }
}

#[cfg(test)]
impl<R> Port<R> {
    /// The programs, to ask what was run.
    pub(crate) fn programs(&self) -> &R {
        &self.run
    }

    /// The same with a systemd that looks after it.
    pub(crate) fn living(mut self) -> Self {
        self.live = true;
        self
    }
}
