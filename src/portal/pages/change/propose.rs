//! `POST /change/propose` and `POST /change/patch`: a branch and a pull request, or a mail that `git am` takes.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::task::spawn_blocking;

use super::preview::{self, Besides};
use crate::{
    portal::{
        Declared, Portal, Role,
        asked::field,
        change::{Draft, Proposal, Proposed, Words},
        error::PageError,
        gate::Visitor,
        page::{self, Frame},
    },
    report::short,
};

#[derive(Template)]
#[template(path = "change_done.html")]
struct DonePage {
    frame: Frame,
    branch: String,
    short: String,
    proposed: Proposed,
    draft: Draft,
    words: Words,
}

/// Proposes it.
pub(super) async fn propose(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let (draft, words, declared) = match ready(&portal, &visitor, &sent).await? {
        Ok(ready) => ready,
        Err(page) => return Ok(page),
    };
    let proposal = draft.clone().proposal(&words);
    let files: Vec<_> = draft.files.keys().collect();
    let about = json!({ "branch": proposal.branch, "base": proposal.base, "files": files });
    portal.audit.write(&visitor.0, "propose", about)?;
    let branch = proposal.branch.clone();
    let proposed = match portal.repository.propose(proposal).await {
        Ok(proposed) => proposed,
        Err(fault) => {
            portal.audit.write(&visitor.0, "not-proposed", json!({ "branch": branch, "because": fault }))?;
            let besides = Besides { words, fault: Some(fault), ..besides(&sent) };
            return preview::show(&portal, &visitor, &declared, draft, besides).await;
        }
    };
    let Proposed { commit, remote, pull, .. } = &proposed;
    let about = json!({ "branch": branch, "commit": commit, "remote": remote, "pull": pull });
    portal.audit.write(&visitor.0, "proposed", about)?;
    let page = DonePage {
        frame: super::frame(&portal, &visitor, "Proposed"),
        short: short(commit).to_owned(),
        branch,
        proposed,
        draft,
        words,
    };
    Ok(page::html(&page)?.into_response())
}

/// Gives it as a file.
pub(super) async fn patch(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    visitor.may(Role::Operator, field(&sent, "csrf"))?;
    let declared = super::declared_at(&portal, field(&sent, "base")).await?;
    let draft = Draft::read(&sent, &declared.source).map_err(PageError::Form)?;
    let words = Words::read(&sent).map_err(PageError::Form)?;
    if draft.files.is_empty() {
        return Err(PageError::Form("nothing differs".to_owned()));
    }
    let Proposal { branch, .. } = draft.clone().proposal(&words);
    portal.audit.write(&visitor.0, "patch", json!({ "base": draft.base, "name": branch }))?;
    let mail = portal.repository.patch(draft.proposal(&words)).await.map_err(PageError::Form)?;
    // A branch's name holds nothing that would have to be quoted.
    let name = branch.replace('/', "-");
    let kept = HeaderValue::try_from(format!("attachment; filename=\"{name}.patch\""));
    let kept = kept.unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("text/x-patch; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, kept)], mail).into_response())
}

/// What is to be proposed, once all is well; otherwise the page that says what is not.
async fn ready(
    portal: &Arc<Portal>,
    visitor: &Visitor,
    sent: &[(String, String)],
) -> Result<Result<(Draft, Words, Declared), Response>, PageError> {
    visitor.may(Role::Operator, field(sent, "csrf"))?;
    let declared = super::declared_at(portal, field(sent, "base")).await?;
    let draft = Draft::read(sent, &declared.source).map_err(PageError::Form)?;
    if draft.files.is_empty() {
        return Err(PageError::Form("nothing differs from what git says already".to_owned()));
    }
    let words = match Words::read(sent) {
        Ok(words) => words,
        Err(fault) => {
            let words = Words { subject: field(sent, "subject").to_owned(), body: field(sent, "body").to_owned() };
            let besides = Besides { words, fault: Some(fault), ..besides(sent) };
            return Ok(Err(preview::show(portal, visitor, &declared, draft, besides).await?));
        }
    };
    let judged = portal.repository.judged(&declared, &draft.files).await.map_err(PageError::Form)?;
    let tip = tip(portal).await?;
    if judged.declared.is_none() || tip != draft.base {
        if tip != draft.base {
            portal.nudge.notify_one();
        }
        let fault = (tip != draft.base).then(|| "the repository has moved on; look at it once more".to_owned());
        let besides = Besides { words, fault, ..besides(sent) };
        return Ok(Err(preview::show(portal, visitor, &declared, draft, besides).await?));
    }
    Ok(Ok((draft, words, declared)))
}

fn besides(sent: &[(String, String)]) -> Besides {
    Besides { called: field(sent, "document").to_owned(), ..Besides::default() }
}

async fn tip(portal: &Arc<Portal>) -> Result<String, PageError> {
    let portal = Arc::clone(portal);
    let tip = spawn_blocking(move || portal.repository.tip()).await;
    tip.unwrap_or_else(|_| Err("the repository cannot be read".to_owned())).map_err(PageError::Form)
}
