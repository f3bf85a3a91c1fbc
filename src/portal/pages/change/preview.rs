//! `POST /change/preview`: what an edit would do, with nothing written: findings, the difference, the plan.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::edit::{EditPage, Editing};
use crate::{
    fleet::{Finding, Locator, Severity, Source},
    portal::{
        Declared, Portal, Role,
        asked::{address, field},
        change::{self, Draft, Words, form::Fault},
        error::PageError,
        gate::Visitor,
        page::{self, Frame},
    },
    report::short,
};

#[derive(Template)]
#[template(path = "change_preview.html")]
struct PreviewPage {
    frame: Frame,
    draft: Draft,
    short: String,
    diffs: Vec<change::FileDiff>,
    /// What stops it, or is worth knowing.
    findings: Vec<Said>,
    plan: Option<(String, String)>,
    words: Words,
    /// Why it was not proposed.
    fault: Option<String>,
    moved: Option<Moved>,
    /// The document that it was made from, to begin anew.
    again: Option<String>,
    /// Something else to say.
    remarks: Vec<String>,
}

/// A finding, for people.
struct Said {
    is_error: bool,
    place: String,
    message: String,
    help: String,
}

/// The fleet has gone on since the page was made.
struct Moved {
    base: String,
    short: String,
    /// Files that others have changed too.
    conflicts: Vec<Arc<str>>,
}

/// What is to be shown besides a draft.
#[derive(Default)]
pub(super) struct Besides {
    pub(super) called: String,
    pub(super) words: Words,
    pub(super) fault: Option<String>,
    pub(super) remarks: Vec<String>,
}

/// Shows it, or what was edited with what is wrong in it.
pub(super) async fn preview(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    visitor.may(Role::Operator, field(&sent, "csrf"))?;
    let (base, called) = (field(&sent, "base"), field(&sent, "document"));
    let declared = super::declared_at(&portal, base).await?;
    match field(&sent, "as") {
        "form" => of_form(&portal, &visitor, &declared, called, &sent).await,
        "yaml" => of_yaml(&portal, &visitor, &declared, called, &sent).await,
        _ => {
            let draft = Draft::read(&sent, &declared.source).map_err(PageError::Form)?;
            let besides = Besides { called: called.to_owned(), ..Besides::default() };
            show(&portal, &visitor, &declared, draft, besides).await
        }
    }
}

async fn of_form(
    portal: &Portal,
    visitor: &Visitor,
    declared: &Declared,
    called: &str,
    sent: &[(String, String)],
) -> Result<Response, PageError> {
    let base = declared.planner.revision();
    let added = sent.iter().filter(|(name, _)| name == "added").map(|(_, path)| path.clone()).collect();
    let mut editing = Editing::new(declared, called, added)?;
    if field(sent, "do") == "add" {
        editing = editing.with(declared, field(sent, "add"))?;
        editing.form.fill(sent);
        return Ok(page::html(&EditPage::form(portal, visitor, base, editing, Vec::new()))?.into_response());
    }
    editing.form.fill(sent);
    let text = match editing.form.text(&editing.document) {
        Ok(Some(text)) => text,
        Ok(None) => {
            let page = EditPage::form(portal, visitor, base, editing, Vec::new()).remark(NOTHING);
            return Ok(page::html(&page)?.into_response());
        }
        Err(faults) => return faulty(&EditPage::form(portal, visitor, base, editing, faults)),
    };
    let draft = Draft::new(base, &declared.source, [(Arc::clone(&editing.document.file), text)]);
    let draft = draft.map_err(PageError::Form)?;
    let judged = portal.repository.judged(declared, &draft.files).await.map_err(PageError::Form)?;
    if judged.declared.is_none() {
        let errors: Vec<Finding> = judged.findings.into_iter().filter(is_error).collect();
        let faults = editing.form.blame(&editing.document, &errors);
        return faulty(&EditPage::form(portal, visitor, base, editing, faults));
    }
    let besides = Besides { called: called.to_owned(), ..Besides::default() };
    show(portal, visitor, declared, draft, besides).await
}

async fn of_yaml(
    portal: &Portal,
    visitor: &Visitor,
    declared: &Declared,
    called: &str,
    sent: &[(String, String)],
) -> Result<Response, PageError> {
    let base = declared.planner.revision();
    let Editing { document, .. } = Editing::new(declared, called, Vec::new())?;
    let text = field(sent, "text").to_owned();
    let draft = Draft::typed(base, &declared.source, Arc::clone(&document.file), &text);
    let draft = draft.map_err(PageError::Form)?;
    if draft.files.is_empty() {
        let page = EditPage::yaml(portal, visitor, base, document, text, Vec::new()).remark(NOTHING);
        return Ok(page::html(&page)?.into_response());
    }
    let judged = portal.repository.judged(declared, &draft.files).await.map_err(PageError::Form)?;
    if judged.declared.is_none() {
        let source = declared.source.with(&draft.files);
        let fault = |said: Said| Fault {
            message: format!("{}: {}", said.place, said.message),
            help: said.help,
            at: Some("text".to_owned()),
        };
        let errors: Vec<Finding> = judged.findings.into_iter().filter(is_error).collect();
        let faults = Said::all(&errors, &source).into_iter().map(fault).collect();
        return faulty(&EditPage::yaml(portal, visitor, base, document, text, faults));
    }
    let besides = Besides { called: called.to_owned(), ..Besides::default() };
    show(portal, visitor, declared, draft, besides).await
}

/// What is said of an edit that edits nothing.
const NOTHING: &str = "Nothing is different yet.";

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn faulty(page: &EditPage) -> Result<Response, PageError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page::html(page)?).into_response())
}

/// A draft with its findings, its plan, and what it takes to propose it.
pub(super) async fn show(
    portal: &Portal,
    visitor: &Visitor,
    declared: &Declared,
    draft: Draft,
    besides: Besides,
) -> Result<Response, PageError> {
    let Besides { called, words, fault, remarks } = besides;
    let now = super::current(portal)?;
    let judged = portal.repository.judged(declared, &draft.files).await.map_err(PageError::Form)?;
    let source = declared.source.with(&draft.files);
    let (mut findings, mut plan) = (judged.findings, None);
    if let Some(after) = &judged.declared {
        match change::planned(portal, after).await? {
            Ok(found) => plan = Some(change::told(&found, &source)),
            Err(found) => findings.extend(found),
        }
    }
    let revision = now.planner.revision();
    let moved = (revision != draft.base).then(|| Moved {
        base: revision.to_owned(),
        short: short(revision).to_owned(),
        conflicts: draft.conflicts(&declared.source, &now.source),
    });
    let status = match (&fault, &moved, plan.is_some()) {
        (_, Some(_), _) => StatusCode::CONFLICT,
        (Some(_), ..) | (.., false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, None, true) => StatusCode::OK,
    };
    let again = (!called.is_empty()).then(|| address("/change/edit", [("document", called.as_str())]));
    let page = PreviewPage {
        frame: super::frame(portal, visitor, "What this would change"),
        short: short(&draft.base).to_owned(),
        diffs: draft.diffs(&declared.source),
        findings: Said::all(&findings, &source),
        draft,
        plan,
        words,
        fault,
        moved,
        again,
        remarks,
    };
    Ok((status, page::html(&page)?).into_response())
}

impl Said {
    fn all(findings: &[Finding], source: &Source) -> Vec<Self> {
        let locator = Locator::new(source);
        let said = |finding: &Finding| {
            let place = finding.place.as_ref();
            let found = place.and_then(|place| locator.locate(place)).map(|at| format!("{}:{}", at.file, at.line));
            Self {
                is_error: is_error(finding),
                place: found.or_else(|| place.map(|place| place.file.to_string())).unwrap_or_default(),
                message: finding.message.clone(),
                help: finding.help.clone().unwrap_or_default(),
            }
        };
        findings.iter().map(said).collect()
    }
}
