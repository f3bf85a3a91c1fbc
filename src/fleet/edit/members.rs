//! Mappings: a member replaced, taken out or put in.

use std::{collections::BTreeSet, ops::Range};

use serde_json::Value;

use super::{Change, Changes, Cut, Piece, Unwritable};
use crate::{
    fleet::yaml::{NodeKind, write},
    twin::Map,
};

impl Cut<'_, '_> {
    /// Changes a mapping.
    pub(super) fn mapping(&mut self, at: usize, changes: &Changes) -> Result<(), Unwritable> {
        let node = self.tree.node(at);
        let members = match &node.kind {
            _ if node.is_marked => return Err(Unwritable::Marked),
            NodeKind::Members(members) => members,
            NodeKind::Alias(_) => return Err(Unwritable::Marked),
            NodeKind::Scalar(_) | NodeKind::List(_) => return Err(Unwritable::InTheWay),
        };
        let mut removed = BTreeSet::new();
        let mut new = Map::new();
        for (key, change) in &changes.0 {
            let found = members.iter().position(|&(name, _)| self.tree.text(name) == Some(key));
            match (found.map(|index| (index, members[index])), change) {
                (None, change) => new.extend(change.value().map(|value| (key.clone(), value))),
                (Some((_, pair)), Change::Set(value)) => self.within(key, |cut| cut.replace(pair, value))?,
                (Some((_, (_, below))), Change::Below(changes)) => {
                    self.within(key, |cut| cut.mapping(below, changes))?;
                }
                (Some((index, pair)), Change::Remove) => {
                    self.may_go(pair)?;
                    removed.insert(index);
                }
            }
        }
        if removed.len() == members.len() && new.is_empty() {
            return members.iter().try_for_each(|&pair| self.replace(pair, &Value::Null));
        }
        if self.is_flow(at) {
            self.take_out_of_flow(members, &removed);
        } else {
            removed.iter().try_for_each(|&index| self.take_line_out(members[index]))?;
        }
        if new.is_empty() { Ok(()) } else { self.put_in(at, members, &new) }
    }

    fn within(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut Self) -> Result<(), Unwritable>,
    ) -> Result<(), Unwritable> {
        self.way.push(key.to_owned());
        change(self)?;
        self.way.pop();
        Ok(())
    }

    /// Whether a member may change without anything else changing.
    fn may_go(&self, (key, value): (usize, usize)) -> Result<(), Unwritable> {
        if self.tree.has_marks(key) || self.tree.has_marks(value) {
            return Err(Unwritable::Marked);
        }
        if self.refers(value) { Err(Unwritable::Template) } else { Ok(()) }
    }

    /// Whether a text at or within a node refers to something.
    fn refers(&self, at: usize) -> bool {
        match &self.tree.node(at).kind {
            NodeKind::Scalar(text) => text.replace("$${", "").contains("${"),
            NodeKind::List(items) => items.iter().any(|&item| self.refers(item)),
            NodeKind::Members(members) => members.iter().any(|&(_, value)| self.refers(value)),
            NodeKind::Alias(_) => false,
        }
    }

    /// Writes another value in the place of a member's.
    pub(super) fn replace(&mut self, pair: (usize, usize), value: &Value) -> Result<(), Unwritable> {
        self.may_go(pair)?;
        let node = self.tree.node(pair.1);
        let end = self.end(pair.1);
        let written = self.text.of(node.from..end);
        match &node.kind {
            NodeKind::Scalar(_) if node.is_block => return self.replace_block(pair, value),
            NodeKind::Scalar(_) if written.trim().is_empty() => {
                let colon = self.colon(pair.0)?;
                self.put(colon..colon, format!(" {}", inline(value)));
            }
            NodeKind::List(items) if !self.is_flow(pair.1) => return self.replace_items(pair.0, items, value),
            NodeKind::Members(_) if !self.is_flow(pair.1) => return Err(Unwritable::Mapping),
            NodeKind::Members(members) if !members.is_empty() && !value.is_object() && !value.is_null() => {
                return Err(Unwritable::Mapping);
            }
            NodeKind::List(_) | NodeKind::Members(_) if written.contains('\n') && written.contains('#') => {
                return Err(Unwritable::Comments);
            }
            _ => self.put(node.from..end, inline(value)),
        }
        Ok(())
    }

    /// Replaces a text that stands on lines of its own; whatever else is on the line of its `|` or `>` stays.
    fn replace_block(&mut self, (key, at): (usize, usize), value: &Value) -> Result<(), Unwritable> {
        let colon = self.colon(key)?;
        let rest = self.text.of(colon..self.text.0.len());
        let from = colon + rest.find(['|', '>']).ok_or(Unwritable::Layout)?;
        let sign = self.text.of(from..self.text.0.len());
        let header = from + sign.find(|c: char| !"|>+-0123456789".contains(c)).unwrap_or(sign.len());
        let (line, _) = self.text.line_end(header);
        let lines = line..self.end(at).max(line);
        match value {
            Value::String(text) if write::is_block(text) => {
                let mut block = String::new();
                write::block(text, self.text.indent(colon) + 2, &mut block);
                let (sign, words) = block.trim_start().split_once('\n').unwrap_or_default();
                let newline = self.text.newline();
                let words = words.strip_suffix('\n').unwrap_or(words).replace('\n', newline);
                self.put(from..header, sign.to_owned());
                self.put(lines, format!("{newline}{words}"));
            }
            other => {
                self.put(from..header, inline(other));
                self.put(lines, String::new());
            }
        }
        Ok(())
    }

    /// Where the last words of a text on lines of its own end, which begins at this byte.
    fn block_end(&self, from: usize) -> usize {
        let before = self.text.before(from);
        let (mut end, mut next) = self.text.line_end(from);
        // Without a word it begins at its `|` or `>`.
        if !before.trim().is_empty() {
            return end;
        }
        while next < self.text.0.len() {
            let (words, after) = self.text.line_end(next);
            let is_blank = self.text.of(next..words).trim().is_empty();
            if !is_blank && self.text.indent(next) < before.len() {
                break;
            }
            if !is_blank {
                end = words;
            }
            next = after;
        }
        end
    }

    /// The byte behind the colon of a key.
    pub(super) fn colon(&self, key: usize) -> Result<usize, Unwritable> {
        let end = self.end(key);
        let rest = self.text.of(end..self.text.0.len());
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        if rest[blank..].starts_with(':') { Ok(end + blank + 1) } else { Err(Unwritable::Layout) }
    }

    /// Where a member ends.
    fn pair_end(&self, (key, value): (usize, usize)) -> usize {
        let node = self.tree.node(value);
        let is_empty = matches!(&node.kind, NodeKind::Scalar(_)) && self.text.of(node.from..node.to).trim().is_empty();
        if is_empty && !node.is_block { self.colon(key).unwrap_or(self.tree.node(key).to) } else { self.end(value) }
    }

    /// Where a node ends.
    pub(super) fn end(&self, at: usize) -> usize {
        let node = self.tree.node(at);
        let written = self.text.of(node.from..node.to);
        let trimmed = node.from + written.trim_end().len();
        match &node.kind {
            NodeKind::Scalar(_) if node.is_block => self.block_end(node.from),
            NodeKind::Scalar(_) => node.from + quoted(written).unwrap_or(written.trim_end().len()),
            NodeKind::List(items) => {
                let last = items.last().map(|&item| self.end(item));
                if self.is_flow(at) { self.bracket(last.unwrap_or(node.from + 1)) } else { last.unwrap_or(trimmed) }
            }
            NodeKind::Members(members) => {
                let last = members.last().map(|&pair| self.pair_end(pair));
                if self.is_flow(at) { self.bracket(last.unwrap_or(node.from + 1)) } else { last.unwrap_or(trimmed) }
            }
            NodeKind::Alias(_) => trimmed,
        }
    }

    /// The byte behind the next closing bracket, past the comments in front of it.
    fn bracket(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(found) = self.text.of(at..self.text.0.len()).find([']', '}', '#']) {
            at += found + 1;
            if !self.text.of(at - 1..at).starts_with('#') {
                return at;
            }
            at = self.text.line_end(at).1;
        }
        from
    }

    /// Whether a collection stands in brackets.
    pub(super) fn is_flow(&self, at: usize) -> bool {
        let node = self.tree.node(at);
        self.text.of(node.from..node.to).starts_with(['{', '['])
    }

    fn take_line_out(&mut self, pair: (usize, usize)) -> Result<(), Unwritable> {
        let from = self.tree.node(pair.0).from;
        if !self.text.before(from).trim().is_empty() {
            return Err(Unwritable::Layout);
        }
        let (_, next) = self.text.line_end(self.pair_end(pair));
        self.pieces.push(self.text.lines(self.text.line_start(from)..next, ""));
        Ok(())
    }

    /// Takes members out of brackets, each with one comma; some are left.
    fn take_out_of_flow(&mut self, members: &[(usize, usize)], removed: &BTreeSet<usize>) {
        let first = (0..members.len()).find(|index| !removed.contains(index)).unwrap_or_default();
        if first > 0 {
            let span = self.tree.node(members[0].0).from..self.tree.node(members[first].0).from;
            self.put(span, String::new());
        }
        for &index in removed.iter().filter(|index| **index > first) {
            let span = self.pair_end(members[index - 1])..self.pair_end(members[index]);
            self.put(span, String::new());
        }
    }

    fn put_in(&mut self, at: usize, members: &[(usize, usize)], new: &Map) -> Result<(), Unwritable> {
        let node = self.tree.node(at);
        let Some(&last) = members.last() else {
            self.put(node.from..self.end(at), inline(&Value::Object(new.clone())));
            return Ok(());
        };
        let end = self.pair_end(last);
        if self.is_flow(at) {
            let written = inline(&Value::Object(new.clone()));
            let inside = written.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }")).unwrap_or(&written);
            self.put(end..end, format!(", {inside}"));
            return Ok(());
        }
        let before = self.text.before(self.tree.node(members[0].0).from);
        if before.bytes().any(|byte| byte != b' ') {
            return Err(Unwritable::Layout);
        }
        let mut lines = String::new();
        write::members(new, before.len(), &mut lines);
        let (_, next) = self.text.line_end(end);
        self.pieces.push(self.text.lines(next..next, &lines));
        Ok(())
    }

    pub(super) fn put(&mut self, span: Range<usize>, text: String) {
        self.pieces.push(Piece { span, text });
    }
}

/// How long a text in quotes is, at the beginning of what the parser counts to it: the blanks and words behind it too.
fn quoted(written: &str) -> Option<usize> {
    let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut rest = written.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\\' if quote == '"' => _ = rest.next(),
            _ if c != quote => {}
            '\'' if rest.peek().is_some_and(|(_, next)| *next == '\'') => _ = rest.next(),
            _ => return Some(at + 1),
        }
    }
    None
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    let mut out = String::new();
    write::flow(value, &mut out);
    out
}
