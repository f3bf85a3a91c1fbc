//! What is wrong with a document's YAML, in words and places.

use saphyr_parser::{Marker, ScanError, Span, Tag};

use super::{
    build::{Builder, Content, Frame, Key},
    lines::Lines,
    pointer::escape,
    scalar::Note,
};
use crate::fleet::finding::{Finding, Place, Target};

/// Most findings of one document: enough to mend it, and no flood from a hostile one.
const MOST_FINDINGS: usize = 100;

impl Builder<'_> {
    pub(super) fn note(&mut self, note: Note, text: &str, span: Span) {
        let (message, help) = note.words(text);
        let finding =
            if note.is_error() { Finding::error(note.rule(), message) } else { Finding::warning(note.rule(), message) };
        self.report(finding.help(help), span);
    }

    pub(super) fn duplicate(&mut self, key: &str, span: Span) {
        let first = Place {
            file: self.file.clone(),
            document: self.document.number,
            target: Target::Key(format!("{}/{}", self.pointer(), escape(key))),
        };
        let finding = Finding::error("yaml-duplicate-key", format!("the key `{key}` stands here twice"))
            .label("again here")
            .with(first, "first here")
            .help("keep one of them: which one counts would depend on the tool");
        self.report(finding, span);
    }

    pub(super) fn merge_key(&mut self, span: Span) {
        let help = "write the members out, or put what is shared into a profile; `\"<<\"` in quotes is a plain key";
        let finding = Finding::error("yaml-merge-key", "merge keys (`<<`) are not part of YAML 1.2").help(help);
        self.report(finding, span);
        self.refuse_key();
    }

    pub(super) fn other_key(&mut self, text: &str, span: Span) {
        let message = format!("the key `{text}` is not a text");
        let help = if text.is_empty() {
            "give the value a key".to_owned()
        } else {
            format!("write `\"{text}\":` if it is meant as a name")
        };
        self.report(Finding::error("yaml-key", message).help(help), span);
        self.refuse_key();
    }

    pub(super) fn bad_key(&mut self, why: &str, span: Span) {
        self.report(Finding::error("yaml-key", why).help("keys of a twin are texts"), span);
        self.refuse_key();
    }

    pub(super) fn refuse_key(&mut self) {
        if let Some(Frame { content: Content::Members(_, key), .. }) = self.frames.last_mut() {
            *key = Key::Bad;
        }
    }

    pub(super) fn unknown_tag(&mut self, tag: &Tag, span: Span) {
        let handle = if tag.is_yaml_core_schema() { "!!" } else { tag.handle.as_str() };
        let message = format!("the tag `{handle}{}` means nothing here", tag.suffix);
        self.report(Finding::error("yaml-tag", message).help("remove it; a twin holds JSON values"), span);
    }

    pub(super) fn stop(&mut self, rule: &'static str, message: String, span: Span) -> Option<()> {
        self.report(Finding::error(rule, message), span);
        None
    }

    pub(super) fn syntax(&mut self, error: &ScanError) -> Option<()> {
        let mark = *error.marker();
        let finding = Finding::error("yaml-syntax", format!("this is not YAML: {}", error.info())).label("here");
        self.report(finding, Span::empty(mark));
        None
    }

    /// Keeps a finding. An error is never dropped without a trace: the last one tells that there were more.
    pub(super) fn report(&mut self, finding: Finding, span: Span) {
        if self.findings.len() > MOST_FINDINGS {
            return;
        }
        let finding = if self.findings.len() == MOST_FINDINGS {
            Finding::error("yaml-more", "and more of the like; the rest is not shown")
        } else {
            finding
        };
        let lines = Lines::new(self.document.text);
        let offset = |mark: Marker| self.document.start + lines.offset(mark.line(), mark.col());
        let (from, to) = (offset(span.start), offset(span.end));
        let target = Target::Bytes { from, to: to.max(from) };
        self.findings.push(finding.at(Place { file: self.file.clone(), document: self.document.number, target }));
    }

    /// The way to the innermost open collection.
    pub(super) fn pointer(&self) -> String {
        let outer = self.frames.len().saturating_sub(1);
        self.frames
            .iter()
            .take(outer)
            .map(|frame| match &frame.content {
                Content::List(items) => format!("/{}", items.len()),
                Content::Members(_, Key::Some(key)) => format!("/{}", escape(key)),
                Content::Members(..) => "/".to_owned(),
            })
            .collect()
    }
}
