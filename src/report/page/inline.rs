//! Words within a line, by what they are.

use crate::report::escape::{self, code, code_in_cell, html, html_prose, prose, prose_in_cell};

/// A line of words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::report) struct Inline(Vec<Span>);

/// Words of one kind, as they are: each voice escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    /// What stands between backquotes is code.
    Prose(String),
    Strong(String),
    Code(String),
    /// A line break.
    Break,
}

impl Inline {
    /// Prose.
    pub(in crate::report) fn of(text: impl Into<String>) -> Self {
        Self::default().prose(text)
    }

    /// With prose more; what stands between backquotes in it is code.
    pub(in crate::report) fn prose(self, text: impl Into<String>) -> Self {
        self.push(Span::Prose(text.into()))
    }

    /// With stressed words more.
    pub(in crate::report) fn strong(self, text: impl Into<String>) -> Self {
        self.push(Span::Strong(text.into()))
    }

    /// With a value, a name or a path more.
    pub(in crate::report) fn code(self, text: impl Into<String>) -> Self {
        self.push(Span::Code(text.into()))
    }

    /// With several of them, comma between.
    pub(in crate::report) fn codes<T: Into<String>>(self, texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().enumerate().fold(self, |line, (at, text)| {
            let line = if at == 0 { line } else { line.prose(", ") };
            line.code(text)
        })
    }

    /// With a line break.
    pub(in crate::report) fn line_break(self) -> Self {
        self.push(Span::Break)
    }

    /// With another line behind it.
    pub(in crate::report) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn push(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }

    /// In markdown, at the beginning of a paragraph or an item.
    pub(super) fn markdown(&self) -> String {
        escape::at_start(&self.render(prose, |text| format!("**{}**", prose(text)), code, "  \n"))
    }

    /// In a cell of a table of markdown.
    pub(super) fn cell(&self) -> String {
        self.render(prose_in_cell, |text| format!("**{}**", prose_in_cell(text)), code_in_cell, "<br>")
    }

    /// In HTML within markdown: there, too, a forge looks for people to call.
    pub(super) fn summary(&self) -> String {
        self.render(html_prose, |text| format!("<b>{}</b>", html_prose(text)), code_tag, "<br>")
    }

    /// In HTML.
    pub(super) fn html(&self) -> String {
        self.render(html_plain, |text| format!("<strong>{}</strong>", html(text)), code_tag, "<br>")
    }

    fn render(
        &self,
        prose: impl Fn(&str) -> String,
        strong: impl Fn(&str) -> String,
        code: impl Fn(&str) -> String,
        line: &str,
    ) -> String {
        let span = |span: &Span| match span {
            Span::Prose(text) => prose(text),
            Span::Strong(text) => strong(text),
            Span::Code(text) => code(text),
            Span::Break => line.to_owned(),
        };
        self.0.iter().map(span).collect()
    }
}

fn code_tag(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { format!("<code>{}</code>", html(text)) }
}

/// Prose of HTML alone: nobody looks for people there.
fn html_plain(text: &str) -> String {
    escape::by_backquotes(text, html, code_tag)
}
