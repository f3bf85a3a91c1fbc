//! Why a forge does not do what it is asked to.

use std::time::Duration;

use super::Service;

/// Why something is not on the forge. Never shows a token.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// Neither the variables of a CI nor the arguments say which forge.
    #[error("no job of GitHub Actions, GitLab CI or Azure Pipelines runs here, and nobody has said which forge it is")]
    NoForge,
    /// Something of the place is not known.
    #[error("nobody has said which {what} on {service} is meant")]
    Unknown {
        /// Which forge.
        service: Service,
        /// What is missing.
        what: &'static str,
        /// What says it.
        remedy: &'static str,
    },
    /// There is no token.
    #[error("there is no token for {service}")]
    NoToken {
        /// Which forge.
        service: Service,
        /// The variable that has it.
        remedy: &'static str,
    },
    /// The address is none, or would show the token to whoever listens.
    #[error("`{0}` is no address of a forge: it begins with https://")]
    Address(String),
    /// The file of certificates, or the description of the event, cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No connection can be set up.
    #[error("setting up TLS failed")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not answer.
    #[error("{service} at {host} cannot be reached")]
    Unreachable {
        /// Which forge.
        service: Service,
        /// Its host.
        host: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It does not know the token: HTTP 401.
    #[error("{service} at {host} does not take the token: it has expired, was revoked, or is for somewhere else")]
    Token {
        /// Which forge.
        service: Service,
        /// Its host.
        host: String,
    },
    /// The token may not do this: HTTP 403.
    #[error("{service} does not let the token {doing}: {said}")]
    Forbidden {
        /// Which forge.
        service: Service,
        /// What was tried.
        doing: &'static str,
        /// What the forge says.
        said: String,
    },
    /// What is asked about is not there, or the token may not see it.
    #[error("{service} knows nothing of what is needed to {doing}, or does not show it to the token")]
    NotFound {
        /// Which forge.
        service: Service,
        /// What was tried.
        doing: &'static str,
    },
    /// Too many requests, and it asks for more patience than a job has.
    #[error("{service} takes no more requests for the next {} s", wait.as_secs())]
    Limited {
        /// Which forge.
        service: Service,
        /// How long it asks to wait.
        wait: Duration,
    },
    /// The text has more characters than the forge takes.
    #[error("{service} says that the text is too long: {said}")]
    TooLong {
        /// Which forge.
        service: Service,
        /// What the forge says.
        said: String,
    },
    /// It refuses.
    #[error("{service} does not {doing}: HTTP {status}: {said}")]
    Refused {
        /// Which forge.
        service: Service,
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// What the forge says.
        said: String,
    },
    /// It answers something that it should not.
    #[error("{service} gave an answer to the request to {doing} that is not understood")]
    Answer {
        /// Which forge.
        service: Service,
        /// What was tried.
        doing: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The report cannot be told.
    #[error("the report cannot be written")]
    Report(#[from] std::io::Error),
}

impl ForgeError {
    /// What to do about it.
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoForge => {
                Some("name it: `--forge github`, `gitlab` or `azure`, with --project, --pull-request and --commit")
            }
            Self::Unknown { remedy, .. } | Self::NoToken { remedy, .. } => Some(remedy),
            Self::Token { service, .. } => Some(service.token_help()),
            Self::Forbidden { service, .. } => Some(service.rights_help()),
            Self::NotFound { .. } => Some("check --project, --pull-request and --commit, and what the token may read"),
            Self::Address(_) => {
                Some("--forge-url says where the forge's REST API is; only on this machine it may lack TLS")
            }
            Self::Limited { .. } => Some("run the job again later"),
            Self::Unreachable { .. } => Some("run the job again; `--forge-url` says where the forge's API is"),
            _ => None,
        }
    }

    /// Whether the token may read and not write, as a fork's.
    pub const fn is_read_only(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }
}
