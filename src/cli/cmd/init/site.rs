//! Where a fleet is to be: its folder, the repository around it, and who runs its workflows.

use std::path::{Component, Path, PathBuf};

use crate::{
    cli::{
        Exit, Failure,
        args::{Ci, InitArgs},
    },
    repo::{Repo, RepoError},
};

/// The place and the name of a fleet to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// The top folder of the repository; the fleet's own without a repository.
    pub(super) top: PathBuf,
    /// The fleet's folder below `top`, with `/`; empty when they are one.
    pub(super) fleet: String,
    /// The fleet's name.
    pub(super) name: String,
    /// The hub's host, if it is known.
    pub(super) hostname: Option<String>,
    /// Who runs the workflows.
    pub(super) ci: Ci,
    /// The branch that is brought to the hub.
    pub(super) branch: String,
    /// Whether there is a git repository.
    pub(super) in_git: bool,
}

impl Site {
    /// From the arguments and what lies there.
    pub(super) fn find(args: &InitArgs) -> Result<Self, Failure> {
        let dir = absolute(&args.dir)?;
        let there = dir.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
        let repo = match Repo::discover(there) {
            Ok(repo) => Some(repo),
            Err(RepoError::NotARepository(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let missing = dir.strip_prefix(there).unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
        let around = repo.as_ref().and_then(|repo| Some((repo.top()?, repo)));
        let (top, fleet) = match around {
            Some((top, repo)) => {
                let parts = [repo.prefix(), &missing].into_iter().filter(|part| !part.is_empty());
                (top.to_owned(), parts.collect::<Vec<_>>().join("/"))
            }
            None => (dir.clone(), String::new()),
        };
        let host = repo.as_ref().and_then(Repo::remote_host);
        Ok(Self {
            top: shorter(top),
            fleet,
            name: name_of(args.name.as_deref(), &dir)?,
            hostname: args.hostname.clone(),
            ci: args.ci.unwrap_or_else(|| guess(host.as_deref())),
            branch: repo.as_ref().map_or_else(|| "main".to_owned(), Repo::main_branch),
            in_git: repo.is_some(),
        })
    }

    /// The fleet's folder as the workflows, which start at the top, name it.
    pub(super) fn folder(&self) -> &str {
        if self.fleet.is_empty() { "." } else { &self.fleet }
    }

    /// A name for what lies outside the fleet's folder: unique to this fleet of the repository.
    pub(super) fn label(&self) -> String {
        if self.fleet.is_empty() { "twinops".to_owned() } else { format!("twinops-{}", slug(&self.fleet)) }
    }

    /// The name of the Azure IoT Hub that the host name stands for; `None` when the hub is another, or not known.
    pub(super) fn azure_hub(&self) -> Option<&str> {
        self.hostname.as_deref()?.strip_suffix(".azure-devices.net")
    }

    /// Whether workflows log in by workload identity: the hub is Azure's, or may be.
    pub(super) fn is_azure(&self) -> bool {
        self.hostname.is_none() || self.azure_hub().is_some()
    }
}

/// The folder with its way from the root, whether it is there or not.
fn absolute(dir: &Path) -> Result<PathBuf, Failure> {
    let mut way = PathBuf::new();
    for part in std::path::absolute(dir)?.components() {
        match part {
            Component::ParentDir => _ = way.pop(),
            other => way.push(other),
        }
    }
    Ok(way)
}

/// Relative to where the user stands, if the folder lies there: paths that people read.
fn shorter(top: PathBuf) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.as_ref().and_then(|here| top.strip_prefix(here).ok());
    match below {
        Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Some(below) => below.to_owned(),
        None => top,
    }
}

/// The fleet's name: as asked for, or that of its folder.
pub(in crate::cli::cmd) fn name_of(asked: Option<&str>, dir: &Path) -> Result<String, Failure> {
    if let Some(name) = asked {
        if name.is_empty() || slug(name) != name {
            let message = format!("`{name}` cannot be the name of a fleet");
            return Err(Failure::new(Exit::Usage, message).help("it takes ASCII letters, digits, `-` and `_`"));
        }
        return Ok(name.to_owned());
    }
    let dir = absolute(dir)?;
    let folder = dir.file_name().map(|name| slug(&name.to_string_lossy())).filter(|name| !name.is_empty());
    Ok(folder.unwrap_or_else(|| "fleet".to_owned()))
}

/// ASCII letters, digits, `-` and `_`: what a key of a twin may hold.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    text.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

/// Whose workflows a host runs. GitHub's for one that does not tell: it is the most likely, and `--ci` is there.
fn guess(host: Option<&str>) -> Ci {
    match host.unwrap_or_default().to_ascii_lowercase() {
        host if host.contains("gitlab") => Ci::Gitlab,
        host if host.contains("dev.azure.com") || host.contains("visualstudio.com") => Ci::Azure,
        _ => Ci::Github,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_tells_who_runs_workflows() {
        for (host, ci) in [
            (Some("github.com"), Ci::Github),
            (Some("gitlab.contoso.example"), Ci::Gitlab),
            (Some("ssh.dev.azure.com"), Ci::Azure),
            (Some("contoso.visualstudio.com"), Ci::Azure),
            (None, Ci::Github),
        ] {
            assert_eq!(guess(host), ci, "{host:?}");
        }
    }

    #[test]
    fn a_fleet_is_called_like_its_folder_or_as_asked() {
        assert_eq!(name_of(None, Path::new("/srv/my fleet")).unwrap(), "my-fleet");
        assert_eq!(name_of(None, Path::new("/")).unwrap(), "fleet");
        assert_eq!(name_of(Some("kiosks_2"), Path::new("/x")).unwrap(), "kiosks_2");
        assert_eq!(name_of(Some("a.b"), Path::new("/x")).unwrap_err().exit, Exit::Usage);
    }
}
