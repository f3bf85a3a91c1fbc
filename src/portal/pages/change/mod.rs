//! `/change`: proposes what documents are to say. Everything ends in a branch or a patch; nothing is written to the hub.

mod drift;
mod edit;
mod list;
mod preview;
mod propose;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::portal::{Declared, Portal, Role, error::PageError, gate::Visitor, page::Frame};

/// Longest form: a file as it is to be, every byte of which may be sent as three.
const LONGEST: usize = 4 * 1024 * 1024;

/// The pages of this part.
pub(super) fn routes() -> Router<Arc<Portal>> {
    Router::new()
        .route("/change", get(list::show))
        .route("/change/edit", get(edit::show))
        .route("/change/preview", post(preview::preview))
        .route("/change/propose", post(propose::propose))
        .route("/change/patch", post(propose::patch))
        .route("/change/adopt", get(drift::adopt))
        .route("/change/ignore", get(drift::ask).post(drift::ignore))
        .layer(DefaultBodyLimit::max(LONGEST))
}

/// Holds whoever looks at the text of documents to the role that may propose changes of them.
fn operator(visitor: &Visitor) -> Result<(), PageError> {
    if visitor.0.role < Role::Operator { Err(PageError::Role(Role::Operator.word())) } else { Ok(()) }
}

fn frame(portal: &Portal, visitor: &Visitor, title: &str) -> Frame {
    Frame::new(portal, &visitor.0, "change", title, "/change".to_owned())
}

/// The fleet as it is shown now.
fn current(portal: &Portal) -> Result<Declared, PageError> {
    let model = portal.model().ok_or_else(|| PageError::Hub("the twins have not been read yet".to_owned()))?;
    Ok(model.declared.clone())
}

/// The fleet at the commit that a page was made from.
async fn declared_at(portal: &Portal, base: &str) -> Result<Declared, PageError> {
    let now = current(portal)?;
    if now.planner.revision() == base {
        return Ok(now);
    }
    let is_commit = base.len() == 40 && base.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_commit {
        return Err(PageError::Form("the form does not say which commit it was made from".to_owned()));
    }
    portal.repository.declared(base).await.map_err(PageError::Form)
}
