//! `GET /change`: the documents that can be edited.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};

use crate::portal::{
    Portal, Role,
    asked::{Asked, address},
    change::{Listed, list},
    error::PageError,
    gate::Visitor,
    page::{self, Frame},
};

#[derive(Template)]
#[template(path = "change.html")]
struct ListPage {
    frame: Frame,
    search: String,
    documents: Vec<Listed>,
    left_out: usize,
    may_edit: bool,
}

impl ListPage {
    #[expect(clippy::unused_self, reason = "templates call it on what they have")]
    fn link(&self, document: &Listed) -> String {
        address("/change/edit", [("document", &*format!("{}/{}", document.kind, document.name))])
    }
}

/// Shows them.
pub(super) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, PageError> {
    let search = Asked::new(pairs).get("q").unwrap_or_default().trim().to_owned();
    let model = portal.model();
    let (documents, left_out) = model.map(|model| list(model.declared.planner.fleet(), &search)).unwrap_or_default();
    page::html(&ListPage {
        frame: super::frame(&portal, &visitor, "Change"),
        search,
        documents,
        left_out,
        may_edit: visitor.0.role >= Role::Operator,
    })
}
