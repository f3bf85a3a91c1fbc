//! The statements that a plan comes to, in order.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::{Statement, types::ToSql};

use super::{
    super::{
        super::{Document, span::beyond},
        fault::Fault,
    },
    columns::{Records, Values, names},
    plan::Plan,
    sql,
};

/// One statement, for any number of rows.
pub(super) struct Step<'a> {
    pub(super) sql: &'static str,
    values: Values<'a>,
    yields: Yields,
}

#[derive(Clone, Copy)]
enum Yields {
    /// Nothing that anybody asks for.
    Nothing,
    /// As many rows are written, or somebody made a row that was not there to be locked.
    Rows(usize),
    /// The nodes that have mail.
    Nodes,
}

impl Step<'_> {
    /// Carries it out; the nodes that have mail. It is on its way when this was polled once.
    pub(super) async fn run(&self, client: &ClientWrapper, statement: &Statement) -> Result<Vec<i64>, Fault> {
        let values: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|value| &**value as _).collect();
        if let Yields::Nodes = self.yields {
            let rows = client.query(statement, &values).await?;
            return rows.iter().map(|row| Ok(row.try_get(0)?)).collect();
        }
        let written = client.execute(statement, &values).await?;
        match self.yields {
            Yields::Rows(wanted) if written != wanted as u64 => Err(Fault::overtaken()),
            _ => Ok(Vec::new()),
        }
    }
}

/// Steps that grow.
struct Steps<'a> {
    node: i64,
    all: Vec<Step<'a>>,
}

impl<'a> Steps<'a> {
    fn add(&mut self, sql: &'static str, yields: Yields, values: Values<'a>) {
        self.all.push(Step { sql, values, yields });
    }

    /// A statement that tells nodes something, which each of them takes for its own.
    fn tell(&mut self, sql: &'static str, mut values: Values<'a>) {
        values.push(Box::new(self.node));
        self.add(sql, Yields::Nodes, values);
    }
}

/// What writes all of a plan for `node`.
pub(super) fn steps<'a>(plan: &Plan<'a>, node: i64) -> Vec<Step<'a>> {
    let mut steps = Steps { node, all: Vec::new() };
    records(&mut steps, plan);
    documents(&mut steps, plan);
    sessions(&mut steps, plan);
    if !plan.tells.is_empty() {
        let mut values = names(plan.tells.iter().map(|(link, ..)| *link));
        values.push(Box::new(plan.tells.iter().map(|(_, version, _)| version.cast_signed()).collect::<Vec<_>>()));
        values.push(Box::new(plan.tells.iter().map(|(.., patch)| *patch).collect::<Vec<_>>()));
        steps.tell(sql::TELL, values);
    }
    for (sql, links) in [(sql::CUT, &plan.cuts), (sql::MAIL, &plan.mails)] {
        if !links.is_empty() {
            steps.tell(sql, names(links.iter().copied()));
        }
    }
    steps.all
}

fn records<'a>(steps: &mut Steps<'a>, plan: &Plan<'a>) {
    if !plan.deletes.is_empty() {
        let gone = || names(plan.deletes.iter().copied());
        steps.tell(sql::CUT, gone());
        steps.add(sql::DELETE, Yields::Rows(plan.deletes.len()), gone());
        steps.add(sql::DELETE_SESSIONS, Yields::Nothing, gone());
    }
    if !plan.inserts.is_empty() {
        // Nothing of a namesake that was deleted comes back.
        steps.add(sql::DELETE_SESSIONS, Yields::Nothing, names(plan.inserts.iter().map(|record| &record.link)));
        steps.add(sql::INSERT, Yields::Rows(plan.inserts.len()), Records::new(&plan.inserts).values());
    }
    if !plan.updates.is_empty() {
        steps.add(sql::UPDATE, Yields::Rows(plan.updates.len()), Records::new(&plan.updates).values());
    }
}

fn documents<'a>(steps: &mut Steps<'a>, plan: &Plan<'a>) {
    for (kind, prefix) in &plan.gone_prefixes {
        let values: Values<'a> = vec![Box::new(kind.name()), Box::new(*prefix), Box::new(beyond(prefix))];
        steps.add(sql::DELETE_PREFIX, Yields::Nothing, values);
    }
    if !plan.gone_documents.is_empty() {
        let (kinds, ids): (Vec<&str>, Vec<&str>) =
            plan.gone_documents.iter().map(|(kind, id)| (kind.name(), *id)).unzip();
        let count = plan.gone_documents.len();
        steps.add(sql::DELETE_DOCUMENTS, Yields::Rows(count), vec![Box::new(kinds), Box::new(ids)]);
    }
    for (sql, some) in [(sql::INSERT_DOCUMENTS, &plan.new_documents), (sql::UPDATE_DOCUMENTS, &plan.documents)] {
        if some.is_empty() {
            continue;
        }
        let columns: [fn(&'a Document) -> &'a str; 3] = [|one| one.kind.name(), |one| &one.id, |one| &one.body];
        let column = |get: fn(&'a Document) -> &'a str| -> Box<dyn ToSql + Sync + Send + 'a> {
            Box::new(some.iter().map(|document| get(document)).collect::<Vec<_>>())
        };
        steps.add(sql, Yields::Rows(some.len()), columns.map(column).into());
    }
}

fn sessions<'a>(steps: &mut Steps<'a>, plan: &Plan<'a>) {
    let node = steps.node;
    if !plan.subscriptions.is_empty() {
        let mut values = names(plan.subscriptions.iter().map(|(link, _)| *link));
        values.push(Box::new(plan.subscriptions.iter().map(|(_, code)| i64::from(*code)).collect::<Vec<_>>()));
        values.push(Box::new(node));
        steps.add(sql::SUBSCRIPTIONS, Yields::Nothing, values);
    }
    if !plan.waiting.is_empty() {
        let mut values = names(plan.waiting.iter().map(|(link, _)| *link));
        values.push(Box::new(plan.waiting.iter().map(|(_, ends)| ends.clone()).collect::<Vec<_>>()));
        steps.add(sql::WAITING, Yields::Nothing, values);
    }
    if !plan.heard.is_empty() {
        let mut values = names(plan.heard.iter().map(|(link, _)| *link));
        values.push(Box::new(plan.heard.iter().map(|(_, at)| *at).collect::<Vec<_>>()));
        steps.add(sql::HEARD, Yields::Nothing, values);
    }
    if !plan.seen.is_empty() {
        let mut values = names(plan.seen.iter().map(|(link, ..)| *link));
        values.push(Box::new(plan.seen.iter().map(|(_, activity, ..)| *activity).collect::<Vec<_>>()));
        values.push(Box::new(plan.seen.iter().map(|(_, _, changed, _)| *changed).collect::<Vec<_>>()));
        values.push(Box::new(plan.seen.iter().map(|(.., live)| *live).collect::<Vec<_>>()));
        values.push(Box::new(node));
        steps.add(sql::SEEN, Yields::Nothing, values);
    }
    if !plan.claims.is_empty() {
        let mut values = names(plan.claims.iter().map(|(link, ..)| *link));
        values.push(Box::new(plan.claims.iter().map(|(_, ticket, _)| ticket.cast_signed()).collect::<Vec<_>>()));
        values.push(Box::new(plan.claims.iter().map(|(.., at)| *at).collect::<Vec<_>>()));
        steps.tell(sql::CLAIM, values);
    }
    if !plan.settings.is_empty() {
        let (names, values): (Vec<&str>, Vec<&str>) = plan.settings.iter().copied().unzip();
        steps.add(sql::SETTINGS, Yields::Nothing, vec![Box::new(names), Box::new(values)]);
    }
}
