//! One document's events → one JSON value, without a span kept.

use std::{borrow::Cow, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::{
    DEPTH,
    scalar::{self, Note},
    split::Document,
};
use crate::{fleet::finding::Finding, twin::Map};

/// Most values that the aliases of one document may add up to.
const ALIAS_NODES: usize = 100_000;

/// Reads a document. What can be passed over is (a duplicate key, an unknown tag), so that everything wrong is told at
/// once; `None` when the rest makes no sense.
pub(super) fn value(file: &Arc<str>, document: &Document<'_>, findings: &mut Vec<Finding>) -> Option<Value> {
    let mut builder = Builder {
        file,
        document,
        findings: Vec::new(),
        frames: Vec::new(),
        root: None,
        anchors: Vec::new(),
        alias_nodes: 0,
    };
    let read = builder.read();
    findings.append(&mut builder.findings);
    read.map(|()| builder.root.unwrap_or(Value::Null))
}

pub(super) struct Builder<'t> {
    pub(super) file: &'t Arc<str>,
    pub(super) document: &'t Document<'t>,
    pub(super) findings: Vec<Finding>,
    pub(super) frames: Vec<Frame>,
    root: Option<Value>,
    anchors: Vec<(usize, Built)>,
    alias_nodes: usize,
}

/// A collection that is not closed yet.
pub(super) struct Frame {
    pub(super) content: Content,
    anchor: usize,
    span: Span,
    nodes: usize,
    height: usize,
}

pub(super) enum Content {
    List(Vec<Value>),
    Members(Map, Key),
}

/// What a mapping waits for.
pub(super) enum Key {
    None,
    Some(String),
    /// A key that cannot stand: its value is read and dropped.
    Bad,
}

/// A value, and how much there is of it.
#[derive(Clone)]
struct Built {
    value: Value,
    nodes: usize,
    height: usize,
}

impl Builder<'_> {
    fn read(&mut self) -> Option<()> {
        let mut parser = Parser::new_from_str(self.document.text);
        while let Some(next) = parser.next_event() {
            match next {
                Ok((event, span)) => self.event(event, span)?,
                Err(error) => return self.syntax(&error),
            }
        }
        Some(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Some(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), span);
                Some(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.open(Content::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                self.open(Content::Members(Map::new(), Key::None), anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Some(())
            }
        }
    }

    fn open(&mut self, content: Content, anchor: usize, span: Span) -> Option<()> {
        if self.frames.len() >= DEPTH {
            return self.stop("yaml-depth", format!("nested deeper than {DEPTH} levels"), span);
        }
        self.frames.push(Frame { content, anchor, span, nodes: 1, height: 1 });
        Some(())
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let value = match frame.content {
            Content::List(items) => Value::Array(items),
            Content::Members(members, _) => Value::Object(members),
        };
        let built = Built { value, nodes: frame.nodes, height: frame.height };
        self.remember(frame.anchor, &built);
        if self.awaits_key() {
            self.bad_key("a mapping or list cannot be a key", frame.span);
        } else {
            self.add(built);
        }
    }

    fn remember(&mut self, anchor: usize, built: &Built) {
        if anchor != 0 && self.alias_nodes + built.nodes <= ALIAS_NODES {
            self.alias_nodes += built.nodes;
            self.anchors.push((anchor, built.clone()));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        let Some((_, built)) = self.anchors.iter().find(|(id, _)| *id == anchor) else {
            let inside = self.frames.iter().any(|frame| frame.anchor == anchor);
            let why = if inside { "an alias inside its own anchor" } else { "the aliases add up to too many values" };
            return self.stop("yaml-alias", why.to_owned(), span);
        };
        self.alias_nodes += built.nodes;
        if self.alias_nodes > ALIAS_NODES {
            let why = format!("the aliases add up to more than {ALIAS_NODES} values");
            return self.stop("yaml-alias", why, span);
        }
        if self.frames.len() + built.height > DEPTH {
            return self.stop("yaml-depth", format!("nested deeper than {DEPTH} levels"), span);
        }
        let built = built.clone();
        match built.value {
            Value::String(text) if self.awaits_key() => self.key(text, span),
            _ if self.awaits_key() => self.bad_key("only a text can be a key", span),
            _ => self.add(built),
        }
        Some(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { content: Content::Members(_, Key::None), .. }))
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, built: Built) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(built.value);
            return;
        };
        frame.nodes += built.nodes;
        frame.height = frame.height.max(built.height + 1);
        match &mut frame.content {
            Content::List(items) => items.push(built.value),
            Content::Members(members, key) => {
                if let Key::Some(key) = std::mem::replace(key, Key::None) {
                    members.insert(key, built.value);
                }
            }
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: Span) {
        let is_plain = style == ScalarStyle::Plain;
        if self.awaits_key() && tag.is_none() {
            return self.scalar_key(text, is_plain, anchor, span);
        }
        let value = match tag {
            None if is_plain => self.plain(text, span),
            None => Value::String(text.into_owned()),
            Some(tag) => self.tagged(text, tag, span),
        };
        let built = Built { value, nodes: 1, height: 0 };
        self.remember(anchor, &built);
        match built.value {
            Value::String(text) if self.awaits_key() => self.key(text, span),
            _ if self.awaits_key() => self.bad_key("only a text can be a key", span),
            _ => self.add(built),
        }
    }

    fn scalar_key(&mut self, text: Cow<'_, str>, is_plain: bool, anchor: usize, span: Span) {
        if is_plain {
            if text == "<<" {
                return self.merge_key(span);
            }
            let reading = scalar::plain(&text);
            if reading.value.is_some() || reading.note.is_some_and(Note::is_error) {
                return self.other_key(&text, span);
            }
            if let Some(note) = reading.note {
                self.note(note, &text, span);
            }
        }
        if anchor != 0 {
            self.remember(anchor, &Built { value: Value::String(text.to_string()), nodes: 1, height: 0 });
        }
        self.key(text.into_owned(), span);
    }

    fn key(&mut self, text: String, span: Span) {
        let Some(Frame { content: Content::Members(members, key), .. }) = self.frames.last_mut() else { return };
        if members.contains_key(&text) {
            *key = Key::Bad;
            self.duplicate(&text, span);
        } else {
            *key = Key::Some(text);
        }
    }

    fn plain(&mut self, text: Cow<'_, str>, span: Span) -> Value {
        let reading = scalar::plain(&text);
        if let Some(note) = reading.note {
            self.note(note, &text, span);
        }
        reading.value.unwrap_or_else(|| Value::String(text.into_owned()))
    }

    fn tagged(&mut self, text: Cow<'_, str>, tag: &Tag, span: Span) -> Value {
        let name = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
        let read = match (name, scalar::plain(&text).value) {
            ("str", _) => None,
            ("int", Some(value)) if value.is_i64() => Some(value),
            ("float", Some(value)) if value.is_number() => value.as_f64().map(Value::from),
            ("bool", Some(value)) if value.is_boolean() => Some(value),
            ("null", Some(Value::Null)) => Some(Value::Null),
            ("int" | "float" | "bool" | "null", _) => {
                self.report(Finding::error("yaml-tag", format!("`{text}` is no `!!{name}`")), span);
                None
            }
            _ if tag.handle.len() + tag.suffix.len() == 1 => None,
            _ => {
                self.unknown_tag(tag, span);
                None
            }
        };
        read.unwrap_or_else(|| Value::String(text.into_owned()))
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, expected: &str, span: Span) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            self.unknown_tag(tag, span);
        }
    }
}
