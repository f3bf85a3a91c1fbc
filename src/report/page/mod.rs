//! What a report says before it has a voice: parts with a title and pieces below it. Markdown and HTML tell the same
//! parts, and each escapes what comes from outside in one place.

mod html;
mod inline;
mod markdown;
mod style;

pub(crate) use html::fragment;
pub(super) use html::write as write_html;
pub(super) use inline::Inline;
pub(super) use markdown::blocks;

use super::{chart::Chart, fit::Rank};

/// One part of a report.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// By what name it is missed where there is no room for it.
    pub(super) name: String,
    /// Whose turn it is when room is scarce.
    pub(super) rank: Rank,
    /// What the part says in a line.
    pub(super) title: Option<Inline>,
    /// How the part stands below its title.
    pub(super) shape: Shape,
    /// The rest.
    pub(super) pieces: Vec<Piece>,
}

/// How a part stands on the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// All of it is seen.
    #[default]
    Open,
    /// The title is seen, and the rest once it is asked for.
    Folded,
    /// All of it is seen, and stands out: something may be lost.
    Warning,
}

/// What a part is made of.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// A sentence or two.
    Paragraph(Inline),
    /// A list; each item may have lines below the first.
    Items(Vec<Vec<Inline>>),
    /// Numbers in rows.
    Table(Table),
    /// Lines with their sign in column one.
    Diff(String),
    /// A picture of numbers; markdown has none, and says them elsewhere.
    Chart(Chart),
}

/// Rows below a head.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Names of the columns, and whether these hold numbers.
    pub(super) head: Vec<(&'static str, bool)>,
    /// As many cells as there are columns.
    pub(super) rows: Vec<Vec<Inline>>,
}

impl Part {
    /// What nobody should miss.
    pub(super) fn first(name: &str) -> Self {
        Self { name: name.to_owned(), rank: Rank::First, ..Self::default() }
    }

    /// What is seen at once.
    pub(super) fn open(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// What is seen once it is asked for.
    pub(super) fn folded(name: impl Into<String>, title: Inline) -> Self {
        Self { name: name.into(), title: Some(title), shape: Shape::Folded, ..Self::default() }
    }

    /// What stands out.
    pub(super) fn warning(name: &str, title: Inline) -> Self {
        Self { title: Some(title), shape: Shape::Warning, ..Self::first(name) }
    }

    /// The same at the end of the queue.
    pub(super) fn last(self) -> Self {
        Self { rank: Rank::Last, ..self }
    }

    /// With a heading.
    pub(super) fn titled(self, title: Inline) -> Self {
        Self { title: Some(title), ..self }
    }

    /// With one piece more.
    pub(super) fn with(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// With a paragraph more.
    pub(super) fn say(self, words: Inline) -> Self {
        self.with(Piece::Paragraph(words))
    }

    /// With a list more, of items of one line each; without items, the same.
    pub(super) fn list(self, items: impl IntoIterator<Item = Inline>) -> Self {
        let items: Vec<_> = items.into_iter().map(|item| vec![item]).collect();
        if items.is_empty() { self } else { self.with(Piece::Items(items)) }
    }
}

#[cfg(test)]
mod tests;
