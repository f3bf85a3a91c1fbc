//! Getting what this clone lacks, with the user's own `git`.

use std::process::{Command, Output, Stdio};

use super::{
    error::{RepoError, doing},
    open::{Repo, Revision},
};

impl Repo {
    /// The revision that a marker names, fetched from the remote when this clone lacks it. Each revision is asked
    /// for once.
    ///
    /// # Errors
    /// When git fails, or the remote does not have it either.
    pub fn fetch(&self, id: &str) -> Result<Revision, RepoError> {
        let missing = match self.recorded(id) {
            Err(missing @ RepoError::Missing { .. }) => missing,
            other => return other,
        };
        if !self.fetched.borrow_mut().insert(id.to_owned()) {
            return Err(missing);
        }
        let remote = self.remote()?.ok_or(missing)?;
        // One commit is enough: what it declared is read from its tree. Only a shallow clone may stay shallow.
        let depth: &[&str] = if self.git.is_shallow() { &["--depth=1"] } else { &[] };
        if self.git_fetch(depth, &[&remote, id]).is_err() {
            // Servers may refuse to hand out a commit by its id; then all of history has to come.
            let all: &[&str] = if self.git.is_shallow() { &["--unshallow"] } else { &[] };
            self.git_fetch(all, &[&remote])?;
        }
        self.recorded(id)
    }

    /// Brings all branches of the remote up to date, as `--watch` does before each look.
    ///
    /// # Errors
    /// When there is no remote, or git fails.
    pub fn fetch_branches(&self) -> Result<(), RepoError> {
        match self.remote()? {
            Some(remote) => self.git_fetch(&[], &[&remote]),
            None => Err(RepoError::Fetch { remote: String::new(), message: "the repository has no remote".into() }),
        }
    }

    /// What `spec` means at the remote, as of the last fetch: its branch of that name, or the one that the branch at
    /// hand follows. `spec` itself where there is no remote, or no such branch.
    ///
    /// # Errors
    /// When the remotes cannot be looked up.
    pub fn followed(&self, spec: &str) -> Result<String, RepoError> {
        let Some(remote) = self.remote()? else { return Ok(spec.to_owned()) };
        let upstream = || {
            let head = self.git.head().ok()?;
            let name = self.git.branch_upstream_name(head.name().ok()?).ok()?;
            name.as_str().ok().map(str::to_owned)
        };
        let branch = if spec == "HEAD" { upstream() } else { None };
        let branch = branch.unwrap_or_else(|| format!("refs/remotes/{remote}/{spec}"));
        Ok(if self.git.revparse_single(&branch).is_ok() { branch } else { spec.to_owned() })
    }

    /// Whether there is a remote to fetch from.
    ///
    /// # Errors
    /// When the remotes cannot be looked up.
    pub fn has_remote(&self) -> Result<bool, RepoError> {
        self.remote().map(|remote| remote.is_some())
    }

    /// The remote of the branch at hand, else `origin`, else the only one there is.
    pub(super) fn remote(&self) -> Result<Option<String>, RepoError> {
        let remotes = self.git.remotes().map_err(doing("looking for remotes"))?;
        let names: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
        let head = self.git.head().ok().and_then(|head| head.name().ok().map(str::to_owned));
        let own = head.and_then(|head| self.git.branch_upstream_remote(&head).ok());
        let own =
            own.and_then(|name| name.as_str().ok().map(str::to_owned)).filter(|own| names.contains(&own.as_str()));
        let first = names.iter().find(|name| **name == "origin").or_else(|| names.first());
        // A name that looks like an option would be one on the command line.
        Ok(own.or_else(|| first.map(|name| (*name).to_owned())).filter(|name| !name.starts_with('-')))
    }

    fn git_fetch(&self, options: &[&str], what: &[&str]) -> Result<(), RepoError> {
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(self.git.path())
            .args(["fetch", "--quiet", "--no-tags"])
            .args(options)
            .arg("--")
            .args(what)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(RepoError::NoGit)?;
        if output.status.success() {
            return Ok(());
        }
        let remote = what.first().copied().unwrap_or_default().to_owned();
        Err(RepoError::Fetch { remote, message: without_credentials(&output) })
    }
}

/// What git said, on one line; `https://user:token@host` loses what stands before the `@`.
pub(super) fn without_credentials(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let word = |word: &str| match word.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
        Some((scheme, Some((_, host)))) => format!("{scheme}://{host}"),
        _ => word.to_owned(),
    };
    said.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}
