//! Who signed a commit, as the user's own `git` finds out.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use super::open::{Repo, Revision};

/// How a PGP key is allowed, on a line that OpenSSH takes for a comment.
const GPG: &str = "# gpg ";
/// What `gpg` says of a good signature; the fingerprint of the key that made it follows, that of its primary key ends
/// the line.
const VALID: &str = "[GNUPG:] VALIDSIG ";

/// Why a commit does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The file of allowed signers cannot be read.
    #[error("cannot read the allowed signers in {file}")]
    Signers {
        /// Which file.
        file: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The user's `git` could not be started.
    #[error("cannot run `git verify-commit`; is git installed?")]
    NoGit(#[source] io::Error),
    /// No signature, a broken one, or one of a key that is not allowed.
    #[error("commit {revision} is not signed by an allowed key: {said}")]
    Refused {
        /// The commit, short.
        revision: String,
        /// What git said.
        said: String,
    },
}

impl Repo {
    /// Holds a commit to its signature: by an SSH key that the file of allowed signers names, or by a PGP key of the
    /// keyring whose fingerprint stands there as `# gpg FINGERPRINT`.
    ///
    /// # Errors
    /// When nobody allowed has signed it, or that cannot be found out.
    pub fn verify(&self, revision: &Revision, signers: &Path) -> Result<(), SignatureError> {
        let unreadable = |cause| SignatureError::Signers { file: signers.display().to_string(), cause };
        let signers = signers.canonicalize().map_err(unreadable)?;
        let allowed = fs::read_to_string(&signers).map_err(unreadable)?;
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(self.git.path())
            .arg("-c")
            .arg(format!("gpg.ssh.allowedSignersFile={}", signers.display()))
            .args(["verify-commit", "--raw", &revision.id])
            .stdin(Stdio::null())
            .output()
            .map_err(SignatureError::NoGit)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let by_gpg = said.lines().find_map(|line| line.strip_prefix(VALID));
        // Git is content with every key of the keyring.
        let is_allowed = by_gpg.is_none_or(|said| is_listed(said, &allowed));
        if output.status.success() && is_allowed {
            return Ok(());
        }
        let said = match (said.trim(), is_allowed) {
            ("", _) => "it carries no signature".to_owned(),
            (_, false) => "its OpenPGP key is not among the allowed signers".to_owned(),
            (said, true) => said.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Err(SignatureError::Refused { revision: revision.short.clone(), said })
    }
}

/// Whether a key of a good signature, or its primary key, is allowed.
fn is_listed(valid: &str, allowed: &str) -> bool {
    let fingerprints = allowed.lines().filter_map(|line| line.strip_prefix(GPG)?.split_whitespace().next());
    let mut ours = valid.split_whitespace();
    let (key, primary) = (ours.next(), ours.next_back());
    fingerprints.into_iter().any(|listed| {
        [key, primary].into_iter().flatten().any(|ours| ours.len() >= 40 && ours.eq_ignore_ascii_case(listed))
    })
}
