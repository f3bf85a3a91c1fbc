//! Lists with an item on each line: only the items that differ are written.

use std::ops::Range;

use serde_json::Value;

use super::{Cut, Unwritable, members::inline};
use crate::{
    fleet::yaml::{self, escape, write},
    twin::same,
};

impl Cut<'_, '_> {
    /// Writes another value in the place of a list that stands item by item.
    pub(super) fn replace_items(&mut self, key: usize, items: &[usize], value: &Value) -> Result<(), Unwritable> {
        let starts: Vec<usize> = items.iter().map(|&item| self.item_start(item)).collect::<Result<_, _>>()?;
        match value {
            Value::Array(new) if !new.is_empty() => self.items(items, &starts, new),
            other => {
                let colon = self.colon(key)?;
                let last = items.last().map_or(colon, |&item| self.end(item));
                self.put(colon..colon, format!(" {}", inline(other)));
                let (from, to) = (self.text.line_end(colon).0, self.text.line_end(last).0);
                self.put(from..to, String::new());
                Ok(())
            }
        }
    }

    fn items(&mut self, items: &[usize], starts: &[usize], new: &[Value]) -> Result<(), Unwritable> {
        let document = yaml::value(self.document).ok_or(Unwritable::NoDocument)?;
        let pointer = self.way.iter().fold(String::new(), |pointer, key| pointer + "/" + &escape(key));
        let Some(Value::Array(old)) = document.pointer(&pointer) else { return Err(Unwritable::Layout) };
        if old.len() != items.len() {
            return Err(Unwritable::Layout);
        }
        let (head, tail) = (in_common(old.iter(), new.iter()), |head: usize| {
            in_common(old[head..].iter().rev(), new[head..].iter().rev())
        });
        let tail = tail(head);
        let mut lines = String::new();
        let indent = starts.first().map_or(0, |start| self.text.indent(*start));
        new[head..new.len() - tail].iter().for_each(|item| write::list_item(item, indent, &mut lines));
        let span = self.span(items, starts, head..old.len() - tail);
        self.pieces.push(self.text.lines(span, &lines));
        Ok(())
    }

    /// The lines of some items; of none, the place where the first of them would stand.
    fn span(&self, items: &[usize], starts: &[usize], which: Range<usize>) -> Range<usize> {
        let next = |item: usize| self.text.line_end(self.end(item)).1;
        let end = which.end.checked_sub(1).filter(|_| !which.is_empty()).map(|last| next(items[last]));
        let start = starts.get(which.start).copied();
        let start = start.unwrap_or_else(|| items.last().map_or(0, |&last| next(last)));
        start..end.unwrap_or(start)
    }

    /// The beginning of an item's line: nothing but a dash stands before the item.
    fn item_start(&self, item: usize) -> Result<usize, Unwritable> {
        let from = self.tree.node(item).from;
        let before = self.text.before(from).trim_start_matches(' ');
        let is_item = before.strip_prefix('-').is_some_and(|gap| !gap.is_empty() && gap.trim().is_empty());
        if is_item { Ok(self.text.line_start(from)) } else { Err(Unwritable::Layout) }
    }
}

/// How many values two lists begin with alike.
fn in_common<'v>(old: impl Iterator<Item = &'v Value>, new: impl Iterator<Item = &'v Value>) -> usize {
    old.zip(new).take_while(|(old, new)| same(old, new)).count()
}
