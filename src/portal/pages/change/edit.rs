//! `GET /change/edit`: one document as a form, or its file as YAML.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};

use crate::{
    fleet::edit::Editor,
    portal::{
        Declared, Portal,
        asked::{Asked, address},
        change::{
            Document,
            form::{self, Fault, Form, Input, Item},
        },
        error::PageError,
        gate::Visitor,
        page::{self, Frame},
    },
    report::short,
};

#[derive(Template)]
#[template(path = "change_edit.html")]
pub(super) struct EditPage {
    frame: Frame,
    document: Document,
    base: String,
    short: String,
    /// The file as YAML, rather than a form.
    yaml: bool,
    text: String,
    form: Form,
    added: Vec<String>,
    faults: Vec<Fault>,
    /// Something to say above it.
    remark: String,
}

/// What somebody edits, and how far they have come.
pub(super) struct Editing {
    pub(super) document: Document,
    pub(super) form: Form,
    pub(super) added: Vec<String>,
}

impl Editing {
    /// A document, and paths that are to be added to it.
    pub(super) fn new(declared: &Declared, called: &str, added: Vec<String>) -> Result<Self, PageError> {
        let document = Document::find(declared, called).ok_or(PageError::NoPage)?;
        if !document.fits() {
            return Err(PageError::Form(format!("`{}` is too large to be edited here", document.file)));
        }
        let value = value(&document);
        let registry = declared.planner.resolver().registry();
        let form = form::build(document.kind, &value, registry, &added);
        Ok(Self { document, form, added })
    }

    /// The same with a path more.
    pub(super) fn with(self, declared: &Declared, path: &str) -> Result<Self, PageError> {
        let path = path.trim().trim_matches('.');
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Ok(self);
        }
        let (registry, mut added) = (declared.planner.resolver().registry(), self.added);
        for one in form::chosen(self.document.kind, &value(&self.document), registry, path) {
            if !added.contains(&one) {
                added.push(one);
            }
        }
        Self::new(declared, &self.document.called(), added)
    }
}

fn value(document: &Document) -> serde_json::Value {
    let file = crate::fleet::SourceFile { path: Arc::clone(&document.file), text: document.text.as_bytes().into() };
    Editor::new(&file).value(document.number).unwrap_or_default()
}

impl EditPage {
    /// A document as a form.
    pub(super) fn form(portal: &Portal, visitor: &Visitor, base: &str, editing: Editing, faults: Vec<Fault>) -> Self {
        let Editing { document, form, added } = editing;
        Self { form, added, faults, ..Self::new(portal, visitor, base, document) }
    }

    /// A file as YAML.
    pub(super) fn yaml(
        portal: &Portal,
        visitor: &Visitor,
        base: &str,
        document: Document,
        text: String,
        faults: Vec<Fault>,
    ) -> Self {
        Self { yaml: true, text, faults, ..Self::new(portal, visitor, base, document) }
    }

    fn new(portal: &Portal, visitor: &Visitor, base: &str, document: Document) -> Self {
        Self {
            frame: super::frame(portal, visitor, &document.name),
            base: base.to_owned(),
            short: short(base).to_owned(),
            document,
            yaml: false,
            text: String::new(),
            form: Form::default(),
            added: Vec::new(),
            faults: Vec::new(),
            remark: String::new(),
        }
    }

    pub(super) fn remark(self, remark: &str) -> Self {
        Self { remark: remark.to_owned(), ..self }
    }

    fn link(&self, yaml: bool) -> String {
        let called = self.document.called();
        let mode = yaml.then_some(("as", "yaml"));
        address("/change/edit", [("document", called.as_str())].into_iter().chain(mode))
    }
}

/// Shows it.
pub(super) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, PageError> {
    super::operator(&visitor)?;
    let asked = Asked::new(pairs);
    let declared = super::current(&portal)?;
    let editing = Editing::new(&declared, asked.get("document").unwrap_or_default(), Vec::new())?;
    let base = declared.planner.revision();
    let page = if asked.get("as") == Some("yaml") {
        let text = editing.document.text.clone();
        EditPage::yaml(&portal, &visitor, base, editing.document, text, Vec::new())
    } else {
        EditPage::form(&portal, &visitor, base, editing, Vec::new())
    };
    page::html(&page)
}
