//! A document again, this time with the span of everything in it.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{DEPTH, lines::Lines, split::Document};

/// The nodes of one document, in an arena. As much as could be read: a document with a fault ends at the fault.
#[derive(Debug)]
pub(in crate::fleet) struct Tree {
    nodes: Vec<Node>,
}

/// One value or key.
#[derive(Debug)]
pub(in crate::fleet) struct Node {
    /// Its first byte in the file.
    pub(in crate::fleet) from: usize,
    /// The byte after its last.
    pub(in crate::fleet) to: usize,
    /// What it is.
    pub(in crate::fleet) kind: NodeKind,
    /// It has an anchor or a tag, which stands before its first byte.
    pub(in crate::fleet) is_marked: bool,
    /// A text on lines of its own. It begins with its first word, behind the `|` or `>`.
    pub(in crate::fleet) is_block: bool,
}

/// What a node is; others are named by their place in the arena.
#[derive(Debug)]
pub(in crate::fleet) enum NodeKind {
    /// A scalar, decoded.
    Scalar(String),
    /// A list.
    List(Vec<usize>),
    /// Keys and values, in the order written, duplicates included.
    Members(Vec<(usize, usize)>),
    /// Stands for another node.
    Alias(usize),
}

/// A member of a mapping, key and all, or an item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fleet) struct Entry {
    /// Where it stands in the file.
    pub(in crate::fleet) bytes: Range<usize>,
    /// Whether it is the first of the whole document.
    pub(in crate::fleet) is_first: bool,
}

impl Tree {
    /// Reads a document.
    pub(in crate::fleet) fn read(document: &Document<'_>) -> Self {
        let mut reader = Reader {
            lines: Lines::new(document.text),
            start: document.start,
            nodes: Vec::new(),
            open: Vec::new(),
            anchors: Vec::new(),
        };
        let mut parser = Parser::new_from_str(document.text);
        while let Some(Ok((event, span))) = parser.next_event() {
            if reader.open.len() > DEPTH {
                break;
            }
            reader.event(event, span);
        }
        while !reader.open.is_empty() {
            reader.close(None);
        }
        Self { nodes: reader.nodes }
    }

    /// The document itself.
    pub(in crate::fleet) fn root(&self) -> Option<usize> {
        (!self.nodes.is_empty()).then_some(0)
    }

    /// A node, aliases not followed.
    pub(in crate::fleet) fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// The node that an alias stands for; others stand for themselves.
    pub(in crate::fleet) fn target(&self, mut at: usize) -> usize {
        // An alias can only name what came before it.
        while let NodeKind::Alias(to) = self.nodes[at].kind {
            at = to;
        }
        at
    }

    /// The member of that name, as key and value: the first, should there be several.
    pub(in crate::fleet) fn member(&self, at: usize, name: &str) -> Option<(usize, usize)> {
        let NodeKind::Members(members) = &self.nodes[self.target(at)].kind else { return None };
        members.iter().copied().find(|&(key, _)| self.text(key) == Some(name))
    }

    /// The item of that index.
    pub(in crate::fleet) fn item(&self, at: usize, index: usize) -> Option<usize> {
        let NodeKind::List(items) = &self.nodes[self.target(at)].kind else { return None };
        items.get(index).copied()
    }

    /// Whether this byte belongs to a scalar: what looks like a comment there is none.
    pub(in crate::fleet) fn is_in_scalar(&self, at: usize) -> bool {
        let is_there = |node: &Node| matches!(node.kind, NodeKind::Scalar(_)) && (node.from..node.to).contains(&at);
        self.nodes.iter().any(is_there)
    }

    /// The member or item that begins first on a line, given by its bytes; of several, the one around the others.
    pub(in crate::fleet) fn entry_on(&self, line: Range<usize>) -> Option<Entry> {
        let entries = self.nodes.iter().enumerate().flat_map(|(at, node)| {
            let pairs: Vec<(usize, usize)> = match &node.kind {
                NodeKind::Members(members) => members.clone(),
                NodeKind::List(items) => items.iter().map(|&item| (item, item)).collect(),
                NodeKind::Scalar(_) | NodeKind::Alias(_) => Vec::new(),
            };
            pairs.into_iter().enumerate().map(move |(index, (from, to))| Entry {
                bytes: self.nodes[from].from..self.nodes[to].to.max(self.nodes[from].to),
                is_first: at == 0 && index == 0,
            })
        });
        let there = entries.filter(|entry| line.contains(&entry.bytes.start));
        there.min_by_key(|entry| (entry.bytes.start, std::cmp::Reverse(entry.bytes.end)))
    }

    /// Whether an anchor, a tag or an alias is at or within a node.
    pub(in crate::fleet) fn has_marks(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        node.is_marked
            || match &node.kind {
                NodeKind::Alias(_) => true,
                NodeKind::Scalar(_) => false,
                NodeKind::List(items) => items.iter().any(|&item| self.has_marks(item)),
                NodeKind::Members(members) => {
                    members.iter().any(|&(key, value)| self.has_marks(key) || self.has_marks(value))
                }
            }
    }

    /// The text of a scalar.
    pub(in crate::fleet) fn text(&self, at: usize) -> Option<&str> {
        match &self.nodes[self.target(at)].kind {
            NodeKind::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'t> {
    lines: Lines<'t>,
    start: usize,
    nodes: Vec<Node>,
    /// Open collections: arena place, anchor, and children so far (keys and values in turn for a mapping).
    open: Vec<(usize, Vec<usize>)>,
    anchors: Vec<(usize, usize)>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.add(NodeKind::Scalar(text.into_owned()), (anchor, tag.is_some()), span);
                self.nodes[node].is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.attach(node);
            }
            Event::SequenceStart(anchor, tag) => {
                let node = self.add(NodeKind::List(Vec::new()), (anchor, tag.is_some()), span);
                self.open.push((node, Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                let node = self.add(NodeKind::Members(Vec::new()), (anchor, tag.is_some()), span);
                self.open.push((node, Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(Some(span)),
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(id, _)| *id == anchor).map(|&(_, node)| node);
                let inside = known.is_some_and(|node| self.open.iter().any(|(open, _)| *open == node));
                let kind = match known {
                    Some(node) if !inside => NodeKind::Alias(node),
                    _ => NodeKind::Scalar(String::new()),
                };
                let node = self.add(kind, (0, false), span);
                self.attach(node);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }

    fn add(&mut self, kind: NodeKind, (anchor, is_tagged): (usize, bool), span: Span) -> usize {
        let offset = |mark: saphyr_parser::Marker| self.start + self.lines.offset(mark.line(), mark.col());
        let (from, to) = (offset(span.start), offset(span.end));
        self.nodes.push(Node { from, to: to.max(from), kind, is_marked: anchor != 0 || is_tagged, is_block: false });
        let node = self.nodes.len() - 1;
        if anchor != 0 {
            self.anchors.push((anchor, node));
        }
        node
    }

    fn attach(&mut self, node: usize) {
        if let Some((_, children)) = self.open.last_mut() {
            children.push(node);
        }
    }

    fn close(&mut self, span: Option<Span>) {
        let Some((node, children)) = self.open.pop() else { return };
        // A block collection ends where its last child does; a flow one at its bracket.
        let end =
            span.filter(|span| !span.is_empty()).map(|s| self.start + self.lines.offset(s.end.line(), s.end.col()));
        let last = children.last().map(|&child| self.nodes[child].to);
        let this = &mut self.nodes[node];
        this.to = end.or(last).unwrap_or(this.to).max(this.from);
        match &mut this.kind {
            NodeKind::List(items) => *items = children,
            NodeKind::Members(members) => {
                *members = children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            }
            NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
        }
        self.attach(node);
    }
}
