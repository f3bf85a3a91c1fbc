//! What lies around a fleet: the repository's top folder, its remote, its branch.

use std::path::Path;

use super::open::Repo;

/// The branch of a repository that does not say.
const BRANCH: &str = "main";

impl Repo {
    /// The top folder of the working tree; a bare repository has none.
    pub fn top(&self) -> Option<&Path> {
        self.git.workdir()
    }

    /// The host of `origin`, or of the only remote: `github.com`.
    pub fn remote_host(&self) -> Option<String> {
        let origin = self.git.find_remote("origin");
        let remote = origin.or_else(|error| {
            let names = self.git.remotes()?;
            let first = names.iter().flatten().flatten().next().map(str::to_owned);
            self.git.find_remote(&first.ok_or(error)?)
        });
        host(remote.ok()?.url().ok()?).map(str::to_owned)
    }

    /// The branch that others will call the main one: the remote's, or the one that is checked out, `main` if neither
    /// is known.
    pub fn main_branch(&self) -> String {
        let remote = self.git.find_reference("refs/remotes/origin/HEAD");
        let remote = remote.ok().and_then(|head| Some(head.symbolic_target().ok()??.to_owned()));
        let local = || {
            let head = self.git.find_reference("HEAD").ok()?;
            Some(head.symbolic_target().ok()??.to_owned())
        };
        let name = remote.or_else(local).unwrap_or_default();
        let name = ["refs/remotes/origin/", "refs/heads/"].into_iter().find_map(|kind| name.strip_prefix(kind));
        name.unwrap_or(BRANCH).to_owned()
    }
}

/// The host of a remote's address, as a URL or as `user@host:path`.
fn host(url: &str) -> Option<&str> {
    let rest = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split('/').next()?,
        None => url.split_once(':').map(|(host, _)| host).filter(|host| !host.contains('/') && host.len() > 1)?,
    };
    let host = rest.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host)).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_remote_is_found_in_every_spelling() {
        for (url, expected) in [
            ("https://github.com/contoso/fleet.git", Some("github.com")),
            ("git@gitlab.example.org:contoso/fleet.git", Some("gitlab.example.org")),
            ("ssh://git@ssh.dev.azure.com:22/v3/contoso/p/fleet", Some("ssh.dev.azure.com")),
            ("https://user:token@host:8443/x", Some("host")),
            ("/srv/git/fleet.git", None),
            ("../fleet", None),
            ("C:\\fleet", None),
            ("file:///srv/git/fleet.git", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
