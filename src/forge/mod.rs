//! A report onto a pull request: GitHub, GitLab and Azure DevOps over REST.
//!
//! * [`Place`] says where: which forge, project, pull request and commit, found in the variables of a CI's job.
//! * [`Forge`] does it: one comment that is kept up to date ([`Forge::keep_comment`]), a commit's status, a check run with
//!   remarks on lines, one issue ([`Forge::keep_issue`]), a pull request ([`Forge::open_or_update_pull_request`]), and which
//!   plan was approved ([`Forge::approved_plan`]).
//! * [`Header`] is how a comment is known again; [`Body`] is a report that can be told in less room.
//!
//! What is kept belongs to the account of the token: what others write is neither read nor touched, whatever it says of
//! itself. Texts over a forge's limit are told in less room, never cut.

mod api;
mod approval;
mod azure;
mod body;
mod comment;
mod error;
mod github;
mod gitlab;
mod header;
mod http;
mod issue;
mod place;
mod pull;
mod token;

pub use api::{Annotation, Check, Level, State, Status};
pub use approval::{Approval, NotApproved};
pub use body::{Body, Told, characters};
pub use comment::Kept;
pub use error::ForgeError;
pub use header::{Header, Kind, Subject};
pub use issue::IssueState;
pub use place::{Place, Service, Wishes};
pub use token::Token;

use api::Api;
use azure::Azure;
use github::GitHub;
use gitlab::GitLab;

/// A project on a forge, and who speaks to it.
#[derive(Debug)]
pub struct Forge(Which);

#[derive(Debug)]
enum Which {
    GitHub(GitHub),
    GitLab(GitLab),
    Azure(Azure),
}

/// The same for every forge.
macro_rules! each {
    ($forge:expr, $api:ident => $what:expr) => {
        match &$forge.0 {
            Which::GitHub($api) => $what,
            Which::GitLab($api) => $what,
            Which::Azure($api) => $what,
        }
    };
}

impl Forge {
    /// Connections to the forge of a place.
    ///
    /// # Errors
    /// When its address is none, or there is no token.
    pub fn connect(place: &Place) -> Result<Self, ForgeError> {
        Ok(Self(match place.service {
            Service::GitHub => Which::GitHub(GitHub::new(place)?),
            Service::GitLab => Which::GitLab(GitLab::new(place)?),
            Service::Azure => Which::Azure(Azure::new(place)?),
        }))
    }

    /// Keeps the one comment of a header's subject on a pull request up to date: written, made again if it is gone, and
    /// one where there were two.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub async fn keep_comment(&self, pull: u64, header: &Header, body: &dyn Body) -> Result<Kept, ForgeError> {
        each!(self, api => comment::keep(api, pull, header, body).await)
    }

    /// Says in a word how a commit, and the pull request that it is in, does.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub async fn status(&self, commit: &str, pull: Option<u64>, status: &Status<'_>) -> Result<(), ForgeError> {
        each!(self, api => api.status(commit, pull, status).await)
    }

    /// Remarks on lines of files, as a check run; nothing on a forge that has none.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub async fn check(&self, commit: &str, check: &Check<'_>) -> Result<(), ForgeError> {
        each!(self, api => api.check(commit, check).await)
    }

    /// Keeps one open issue about a header's subject up to date, or gives it its last words and closes it.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub async fn keep_issue(
        &self,
        header: &Header,
        title: &str,
        body: &dyn Body,
        is_open: bool,
    ) -> Result<IssueState, ForgeError> {
        each!(self, api => issue::keep(api, header, title, body, is_open).await)
    }

    /// Opens a pull request that asks to merge `branch`, which has been pushed already, into the branch `into`; the
    /// project's main branch without one. If one is open, it gets this title and body. Its address for people.
    ///
    /// # Errors
    /// When the forge does not take it.
    pub async fn open_or_update_pull_request(
        &self,
        branch: &str,
        into: Option<&str>,
        title: &str,
        body: &dyn Body,
    ) -> Result<String, ForgeError> {
        each!(self, api => pull::open_or_update(api, branch, into, title, body).await)
    }

    /// Closes the open pull request for `branch`, if there is one, because there is nothing more to ask for. Its address.
    ///
    /// # Errors
    /// When the forge does not do it.
    pub async fn close_pull_request(&self, branch: &str) -> Result<Option<String>, ForgeError> {
        each!(self, api => pull::close(api, branch).await)
    }

    /// The merged pull request that brought a commit.
    ///
    /// # Errors
    /// When the forge does not tell.
    pub async fn merged_by(&self, commit: &str) -> Result<Option<u64>, ForgeError> {
        each!(self, api => Ok(api.merged(commit).await?.map(|merged| merged.pull)))
    }

    /// The plan that stood in the comment of the pull request that brought `commit` when it was merged.
    ///
    /// # Errors
    /// When the forge does not tell.
    pub async fn approved_plan(&self, commit: &str, subject: &Subject) -> Result<Approval, ForgeError> {
        each!(self, api => approval::find(api, commit, subject).await)
    }

    /// How many characters a comment may have.
    pub fn comment_limit(&self) -> usize {
        fn of<A: Api>(_: &A) -> usize {
            A::COMMENT
        }
        each!(self, api => of(api))
    }
}
