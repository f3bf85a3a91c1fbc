//! Where something is to be told: found in the variables that a CI gives its jobs, or said by arguments.

mod azure;
mod github;
mod gitlab;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

use super::{ForgeError, Token, token::Scheme};

/// A token for whatever forge it is.
const ANY_TOKEN: &str = "TWINOPS_FORGE_TOKEN";

/// A forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// GitHub, and GitHub Enterprise Server.
    GitHub,
    /// GitLab.
    GitLab,
    /// Azure DevOps.
    Azure,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::GitLab, Self::Azure];

    /// Its name on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Azure => "azure",
        }
    }

    /// What to do about a token that is not taken.
    pub(super) const fn token_help(self) -> &'static str {
        match self {
            Self::GitHub => "in a workflow: `env: { GITHUB_TOKEN: \"${{ github.token }}\" }`",
            Self::GitLab => {
                "make a project access token with the scope `api` and keep it in the masked variable GITLAB_TOKEN"
            }
            Self::Azure => "in a pipeline: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`",
        }
    }

    /// What to do about a token that may not do something.
    pub(super) const fn rights_help(self) -> &'static str {
        match self {
            Self::GitHub => {
                "the job needs `permissions:` pull-requests: write, checks: write, statuses: write, and issues: write for \
                 an issue"
            }
            Self::GitLab => "the token needs the scope `api` and the role Developer",
            Self::Azure => {
                "let the project's build service contribute to pull requests of the repository (Project settings > \
                 Repositories > Security)"
            }
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Azure => "Azure DevOps",
        })
    }
}

/// What arguments say of the place; the rest is found.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Which forge.
    pub service: Option<Service>,
    /// The address of its API.
    pub url: Option<String>,
    /// The project: `owner/name`, a GitLab path or id, `project/repository` of Azure DevOps.
    pub project: Option<String>,
    /// The pull request.
    pub pull: Option<u64>,
    /// The commit.
    pub commit: Option<String>,
    /// Authorities (PEM) by which it is trusted besides the public ones.
    pub ca: Option<PathBuf>,
}

/// Where something is to be told.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which forge.
    pub service: Service,
    /// The address of its REST API.
    pub api: String,
    /// The address of its GraphQL API; empty where there is none.
    pub(super) graphql: String,
    /// The project.
    pub project: Option<String>,
    /// The pull request.
    pub pull: Option<u64>,
    /// The commit that a pull request proposes, or that was pushed.
    pub commit: Option<String>,
    /// The number of the CI's run, which grows; 0 outside of one.
    pub run: u64,
    /// The address of the run for people.
    pub run_url: Option<String>,
    /// Whether a pull request comes from a fork, whose jobs get no secrets and may write nothing.
    pub is_fork: bool,
    /// Who asks.
    pub(super) token: Option<Token>,
    /// Authorities by which it is trusted besides the public ones.
    pub(super) ca: Option<PathBuf>,
}

/// The variables of a process.
pub(super) struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// A variable that is set to something.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The token of the first of these variables that has one.
    fn token(&self, names: &[(&str, Scheme)], any: Scheme) -> Option<Token> {
        let mut all = std::iter::once((ANY_TOKEN, any)).chain(names.iter().copied());
        all.find_map(|(name, scheme)| Token::new(&self.get(name)?, scheme))
    }
}

impl Place {
    /// The place that the variables tell of, as far as the arguments do not say otherwise.
    ///
    /// # Errors
    /// When neither says which forge, or the description of the event cannot be read.
    pub fn find(variable: &dyn Fn(&str) -> Option<String>, wishes: Wishes) -> Result<Self, ForgeError> {
        let variables = Variables(variable);
        let service = wishes.service.or_else(|| guess(&variables)).ok_or(ForgeError::NoForge)?;
        let found = match service {
            Service::GitHub => github::find(&variables)?,
            Service::GitLab => gitlab::find(&variables),
            Service::Azure => azure::find(&variables),
        };
        let Wishes { service: _, url, project, pull, commit, ca } = wishes;
        // Another project's pull request is not that of the job.
        let is_elsewhere = project.is_some() && project != found.project;
        let mut place = Self {
            project: project.or(found.project),
            pull: pull.or(if is_elsewhere { None } else { found.pull }),
            commit: commit.or(if is_elsewhere { None } else { found.commit }),
            ca: ca.or(found.ca),
            ..found
        };
        if let Some(url) = url {
            place.graphql = match service {
                Service::GitHub => github::graphql(&url),
                Service::GitLab => gitlab::graphql(&url),
                Service::Azure => String::new(),
            };
            place.api = url;
        }
        Ok(place)
    }

    /// The project.
    ///
    /// # Errors
    /// When nobody has said.
    pub fn project(&self) -> Result<&str, ForgeError> {
        self.project.as_deref().ok_or_else(|| self.unknown("project", "say it with --project"))
    }

    /// The commit.
    ///
    /// # Errors
    /// When nobody has said.
    pub fn commit(&self) -> Result<&str, ForgeError> {
        self.commit.as_deref().ok_or_else(|| self.unknown("commit", "say it with --commit"))
    }

    pub(super) fn token(&self) -> Result<&Token, ForgeError> {
        self.token.as_ref().ok_or(ForgeError::NoToken { service: self.service, remedy: self.service.token_help() })
    }

    /// Whether there is somebody to ask in the name of.
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    const fn unknown(&self, what: &'static str, remedy: &'static str) -> ForgeError {
        ForgeError::Unknown { service: self.service, what, remedy }
    }
}

/// Whose job this is. Azure Pipelines also builds repositories of GitHub.
fn guess(variables: &Variables<'_>) -> Option<Service> {
    if variables.get("GITHUB_ACTIONS").is_some() {
        return Some(Service::GitHub);
    }
    if variables.get("GITLAB_CI").is_some() {
        return Some(Service::GitLab);
    }
    variables.get("TF_BUILD")?;
    match variables.get("BUILD_REPOSITORY_PROVIDER").as_deref() {
        Some("GitHub" | "GitHubEnterprise") => Some(Service::GitHub),
        _ => Some(Service::Azure),
    }
}
