//! What lies around a fleet: the repository's top folder, its remote, its branch.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::open::Repo;

/// What may stand in an address as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The branch of a repository that does not say.
const BRANCH: &str = "main";

impl Repo {
    /// The top folder of the working tree; a bare repository has none.
    pub fn top(&self) -> Option<&Path> {
        self.git.workdir()
    }

    /// The host of `origin`, or of the only remote: `github.com`.
    pub fn remote_host(&self) -> Option<String> {
        host(&self.remote_url()?).map(str::to_owned)
    }

    /// The project on that host: `contoso/fleet`.
    pub fn remote_project(&self) -> Option<String> {
        project(&self.remote_url()?)
    }

    /// Where people read a line of one of the fleet's files as of a commit, on GitHub, GitLab or Azure DevOps; `None`
    /// for a remote of another kind.
    pub fn web_address(&self, commit: &str, file: &str, line: usize) -> Option<String> {
        let path = if self.prefix.is_empty() { file.to_owned() } else { format!("{}/{file}", self.prefix) };
        let path: Vec<String> = path.split('/').map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect();
        web_address(&self.remote_url()?, commit, &path.join("/"), line)
    }

    /// The address of `origin`, or of the only remote.
    fn remote_url(&self) -> Option<String> {
        let origin = self.git.find_remote("origin");
        let remote = origin.or_else(|error| {
            let names = self.git.remotes()?;
            let first = names.iter().flatten().flatten().next().map(str::to_owned);
            self.git.find_remote(&first.ok_or(error)?)
        });
        Some(remote.ok()?.url().ok()?.to_owned())
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

/// The project on its host: `contoso/fleet`, however the remote spells it. Neither user nor token comes along.
fn project(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':')?.1,
    };
    let path = path.trim_matches('/').trim_end_matches(".git");
    (!path.is_empty() && !path.contains(['?', '#', '\\'])).then(|| path.to_owned())
}

fn web_address(url: &str, commit: &str, path: &str, line: usize) -> Option<String> {
    let (host, project) = (host(url)?, project(url)?);
    if host == "dev.azure.com" || host == "ssh.dev.azure.com" {
        let parts: Vec<&str> = project.trim_start_matches("v3/").split('/').filter(|part| *part != "_git").collect();
        let [organization, project, repository] = parts.as_slice() else { return None };
        let place = format!(
            "path=/{path}&version=GC{commit}&line={line}&lineEnd={}&lineStartColumn=1&lineEndColumn=1",
            line + 1
        );
        return Some(format!("https://dev.azure.com/{organization}/{project}/_git/{repository}?{place}"));
    }
    if host.contains("github") {
        return Some(format!("https://{host}/{project}/blob/{commit}/{path}#L{line}"));
    }
    host.contains("gitlab").then(|| format!("https://{host}/{project}/-/blob/{commit}/{path}#L{line}"))
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

    #[test]
    fn a_line_is_read_where_its_forge_shows_it_and_no_credential_comes_along() {
        let read = |url| web_address(url, "c0ffee", "kiosks/fleet.yaml", 7);
        let github = "https://github.com/contoso/fleet/blob/c0ffee/kiosks/fleet.yaml#L7";
        for url in ["https://user:token@github.com/contoso/fleet.git", "git@github.com:contoso/fleet.git"] {
            assert_eq!(read(url).as_deref(), Some(github), "{url}");
        }
        let gitlab = "https://gitlab.example.org/a/b/fleet/-/blob/c0ffee/kiosks/fleet.yaml#L7";
        assert_eq!(read("ssh://git@gitlab.example.org/a/b/fleet.git").as_deref(), Some(gitlab));
        for url in ["https://dev.azure.com/contoso/p/_git/fleet", "git@ssh.dev.azure.com:v3/contoso/p/fleet"] {
            let found = read(url).unwrap();
            assert!(found.starts_with("https://dev.azure.com/contoso/p/_git/fleet?path=/kiosks/"), "{found}");
        }
        for url in ["/srv/git/fleet.git", "https://git.example.org/fleet.git", "file:///srv/fleet.git"] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
