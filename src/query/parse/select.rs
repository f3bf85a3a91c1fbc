//! Statements: `SELECT … FROM … WHERE … GROUP BY …`, and what may not stand together.

use std::collections::HashSet;
use std::ops::Range;

use super::super::condition::Condition;
use super::super::error::QueryError;
use super::super::lexer::Kind;
use super::super::path::FieldPath;
use super::super::statement::{Column, Fold, Item, Query, Source};
use super::super::suggest;
use super::super::target::Target;
use super::{Parser, words};

/// A column and where it stands.
type Placed = (Column, Range<usize>);

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Result<Query, QueryError> {
        self.want_keyword("SELECT")?;
        let top = self.top()?;
        let columns = self.columns()?;
        self.want_keyword("FROM")?;
        let (source, source_span) = self.source()?;
        // Doubts so far are about columns, where an unknown path is common practice (protocol reference 6.4).
        self.doubts.clear();
        let condition = self.filter()?;
        let group_by = self.group_by()?;
        if source == Source::Jobs {
            self.check_jobs(&columns, &group_by, source_span)?;
        }
        self.check_keys(&columns)?;
        self.check_groups(&columns, &group_by)?;
        let columns = columns.into_iter().map(|(column, _)| column).collect();
        Ok(Query { top, columns, source, condition, group_by })
    }

    pub(super) fn target(&mut self) -> Result<Target, QueryError> {
        if self.take_symbol("*") {
            return Ok(Target { source: Source::Devices, condition: None });
        }
        if !self.take_keyword("FROM") {
            self.refuse_statement()?;
            return Ok(Target { source: Source::Devices, condition: Some(self.where_part()?) });
        }
        let (source, span) = self.source()?;
        if source == Source::Jobs {
            return self.fail(span, "a target is `devices` or `devices.modules`");
        }
        Ok(Target { source, condition: self.filter()? })
    }

    fn top(&mut self) -> Result<Option<u64>, QueryError> {
        if !self.take_keyword("TOP") {
            return Ok(None);
        }
        match self.peek().kind {
            Kind::Number(count) if count >= 1.0 && count.fract() == 0.0 && count < 1e15 => {
                self.advance();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
                Ok(Some(count as u64))
            }
            _ => self.unexpected("a whole number of rows, 1 or more"),
        }
    }

    /// The columns; none for `*`.
    fn columns(&mut self) -> Result<Vec<Placed>, QueryError> {
        if self.take_symbol("*") {
            if self.is_symbol(",") {
                return self.fail(self.span(), "`*` stands alone; name the columns instead");
            }
            return Ok(Vec::new());
        }
        self.list(Self::column)
    }

    fn column(&mut self) -> Result<Placed, QueryError> {
        let start = self.span().start;
        let Some(name) = self.name() else { return self.unexpected("`*`, a field or an aggregate") };
        let calls = self.tokens.get(self.at + 1).is_some_and(|next| next.kind == Kind::Symbol("("));
        let item = if calls { self.aggregate(name)? } else { Item::Path(self.path()?) };
        let alias = if self.take_keyword("AS") { Some(self.alias()?) } else { None };
        Ok((Column { item, alias }, start..self.last_end()))
    }

    fn alias(&mut self) -> Result<String, QueryError> {
        match self.name() {
            Some(name) if !words::is_reserved(name) => {
                self.advance();
                Ok(name.to_owned())
            }
            _ => self.unexpected("a name for the column"),
        }
    }

    fn aggregate(&mut self, name: &str) -> Result<Item, QueryError> {
        let Some((_, fold)) = Fold::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            let hint = suggest::hint(name, Fold::NAMES.map(|(known, _)| known));
            let message = format!("`{name}` is no aggregate; columns are fields, COUNT(), AVG, SUM, MIN or MAX{hint}");
            return self.fail(self.span(), message);
        };
        self.advance();
        self.want_symbol("(")?;
        let path = if *fold == Fold::Count { None } else { Some(self.path()?) };
        if *fold == Fold::Count && !self.is_symbol(")") {
            return self.fail(self.span(), "`COUNT()` counts rows and takes no argument");
        }
        self.want_symbol(")")?;
        Ok(Item::Aggregate(*fold, path))
    }

    fn source(&mut self) -> Result<(Source, Range<usize>), QueryError> {
        let start = self.span().start;
        if !self.take_keyword("devices") {
            return self.unexpected("`devices`, `devices.modules` or `devices.jobs`");
        }
        let mut source = Source::Devices;
        if self.take_symbol(".") {
            source = match self.name() {
                Some(name) if name.eq_ignore_ascii_case("modules") => Source::Modules,
                Some(name) if name.eq_ignore_ascii_case("jobs") => Source::Jobs,
                _ => return self.unexpected("`modules` or `jobs`"),
            };
            self.advance();
        }
        Ok((source, start..self.last_end()))
    }

    fn filter(&mut self) -> Result<Option<Condition>, QueryError> {
        if self.take_keyword("WHERE") { self.where_part().map(Some) } else { Ok(None) }
    }

    fn where_part(&mut self) -> Result<Condition, QueryError> {
        let start = self.span().start;
        let expr = self.condition()?;
        let text = &self.text[start..self.last_end()];
        Ok(Condition::new(text, expr, std::mem::take(&mut self.doubts)))
    }

    fn group_by(&mut self) -> Result<Vec<FieldPath>, QueryError> {
        if !self.take_keyword("GROUP") {
            return Ok(Vec::new());
        }
        self.want_keyword("BY")?;
        self.list(Self::path)
    }

    fn check_jobs(&self, columns: &[Placed], group_by: &[FieldPath], source: Range<usize>) -> Result<(), QueryError> {
        if columns.is_empty() && group_by.is_empty() {
            return Ok(());
        }
        let span = columns.first().map_or(source, |(_, span)| span.clone());
        self.fail(span, "`devices.jobs` gives whole rows only: write `SELECT * FROM devices.jobs …`")
    }

    /// Two columns of one name would overwrite each other.
    fn check_keys(&self, columns: &[Placed]) -> Result<(), QueryError> {
        let mut seen = HashSet::new();
        for (column, span) in columns {
            let key = column.key();
            if seen.contains(&key) {
                let message = format!("two columns are called `{key}`; name one of them with AS");
                return self.fail(span.clone(), message);
            }
            seen.insert(key);
        }
        Ok(())
    }

    /// Beside aggregates only grouped paths make sense.
    fn check_groups(&self, columns: &[Placed], group_by: &[FieldPath]) -> Result<(), QueryError> {
        if columns.is_empty() && !group_by.is_empty() {
            return self.fail(0..self.text.len(), "`SELECT *` cannot be grouped; name the columns");
        }
        let aggregates = columns.iter().any(|(column, _)| matches!(column.item, Item::Aggregate(..)));
        if !aggregates && group_by.is_empty() {
            return Ok(());
        }
        for (column, span) in columns {
            if let Item::Path(path) = &column.item
                && !group_by.contains(path)
            {
                let message = format!("`{path}` stands beside a group; add it to GROUP BY");
                return self.fail(span.clone(), message);
            }
        }
        Ok(())
    }
}
