//! What can go wrong, before a portal runs and in a page.

use std::path::PathBuf;

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

use super::page;

/// Why a portal cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// A file cannot be opened.
    #[error("cannot open `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("this page does not exist")]
    NoPage,
    #[error("the hub does not know the device `{0}`")]
    NoDevice(String),
    #[error("the hub does not answer as it should: {0}")]
    Hub(String),
    #[error("this may only be done by an {0}")]
    Role(&'static str),
    #[error("the form is too old, or does not come from here: go back, reload the page and try again")]
    Csrf,
    #[error("{0}")]
    Form(String),
    #[error("{0}")]
    SignIn(String),
    #[error("this way to sign in is over, or was begun in another browser: begin again")]
    Way,
    #[error("you are {name}, and that account has no role here: its claim `{claim}` has to name one")]
    NoRole { name: String, claim: String },
    #[error("the action could not be written down, and so was not done")]
    Audit(#[from] std::io::Error),
    #[error("the page cannot be made")]
    Template(#[from] askama::Error),
    #[error("the system gives no random numbers")]
    Random(#[from] super::RandomError),
}

impl PageError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoPage | Self::NoDevice(_) => StatusCode::NOT_FOUND,
            Self::Hub(_) | Self::SignIn(_) => StatusCode::BAD_GATEWAY,
            Self::Way => StatusCode::BAD_REQUEST,
            Self::Role(_) | Self::Csrf | Self::NoRole { .. } => StatusCode::FORBIDDEN,
            Self::Form(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Audit(_) | Self::Template(_) | Self::Random(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = self.status();
        (status, Html(page::notice(status.canonical_reason().unwrap_or("Error"), &self.to_string()))).into_response()
    }
}
