//! A condition in the hub's query language, asked of the hub page by page; what is wrong with it, in its place.

use crate::{
    portal::{
        Portal,
        model::{Model, Row},
        page::Time,
        refresh::because,
    },
    query::{Condition, QueryError},
    report::short,
    twin::TwinRow,
};

/// Rows of a table.
pub(super) const ROWS: u32 = 50;

/// A line of a table of devices.
pub(super) struct Line {
    pub(super) id: String,
    /// A verdict, or `unmanaged`.
    pub(super) word: &'static str,
    pub(super) connected: bool,
    pub(super) active: Option<Time>,
    pub(super) revision: String,
    pub(super) wave: String,
}

/// What is wrong with a condition: what stands before, in and after the place.
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) before: String,
    pub(super) at: String,
    pub(super) after: String,
}

/// What the hub answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) lines: Vec<Line>,
    /// What asks for the next page.
    pub(super) next: Option<String>,
    pub(super) fault: Option<Fault>,
    /// What parses, and probably does not mean what was meant.
    pub(super) doubts: Vec<String>,
}

/// Asks the hub for a page of the devices that a condition selects.
pub(super) async fn ask(portal: &Portal, model: &Model, condition: &str, next: Option<&str>) -> Answer {
    let parsed = match Condition::parse(condition) {
        Ok(parsed) => parsed,
        Err(error) => return Answer { fault: Some(Fault::of(condition, &error)), ..Answer::default() },
    };
    let doubts = parsed.doubts().iter().map(|doubt| doubt.message.clone()).collect();
    let statement = format!("SELECT * FROM devices WHERE {condition}");
    match portal.hub.query_page(&statement, ROWS, next).await {
        Ok((rows, next)) => {
            let mut lines = Vec::new();
            let read = rows.page.for_each(|row| lines.extend(row.ok().map(|row| Line::of_twin(model, &row))));
            let fault = read.err().map(|error| Fault::elsewhere(condition, because(&error)));
            Answer { lines, next, fault, doubts }
        }
        Err(error) => Answer { fault: Some(Fault::elsewhere(condition, because(&error))), doubts, ..Answer::default() },
    }
}

impl Fault {
    fn of(text: &str, error: &QueryError) -> Self {
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
        let (start, end) = (error.span.start.min(text.len()), error.span.end.min(text.len()));
        // At the end of the text there is nothing to mark but the end.
        let at = if start == end { "␣".to_owned() } else { part(start..end) };
        let message = format!("Line {}, column {}: {}", error.line, error.column, error.message);
        Self { message, before: part(0..start), at, after: part(end..text.len()) }
    }

    fn elsewhere(text: &str, message: String) -> Self {
        Self { message, before: text.to_owned(), at: String::new(), after: String::new() }
    }
}

impl Line {
    /// Of a device that the model knows.
    pub(super) fn of_row(model: &Model, row: &Row) -> Self {
        let wave = if row.wave == crate::portal::model::NONE { "".into() } else { model.shared.waves.word(row.wave) };
        Self {
            id: row.id.to_string(),
            word: crate::portal::model::word(row.stand),
            connected: row.connected,
            active: Time::of_seconds(row.active),
            revision: short(&model.shared.revisions.word(row.revision)).to_owned(),
            wave: wave.to_string(),
        }
    }

    /// Of a twin as the hub gave it just now; its wave as it was.
    fn of_twin(model: &Model, twin: &TwinRow<'_>) -> Self {
        let device = model.declared.planner.verdict(twin).ok().flatten();
        let known = model.row(&twin.device_id).map(|row| Self::of_row(model, row));
        Self {
            id: twin.device_id.clone().into_owned(),
            word: crate::portal::model::word(device.as_ref().map(|device| device.verdict)),
            connected: twin.is_connected(),
            active: twin.last_activity_time.as_deref().and_then(Time::parse),
            revision: device
                .and_then(|device| device.revision)
                .map_or_else(|| "(none)".to_owned(), |id| short(&id).to_owned()),
            wave: known.map(|known| known.wave).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_marked_in_its_place() {
        for (text, before, at) in [("tags.site == 'oslo'", "tags.site", "=="), ("tags.site =", "tags.site =", "␣")] {
            let fault = Fault::of(text, &Condition::parse(text).unwrap_err());
            assert_eq!((fault.before.trim_end(), &*fault.at), (before, at), "{}", fault.message);
            assert!(fault.message.starts_with("Line 1, column"), "{}", fault.message);
        }
    }
}
