//! `SELECT … FROM devices.jobs`: what each device did in each job (protocol reference 9.1).

use std::time::Instant;

use serde_json::Value;

use super::{
    super::Core,
    mark::Mark,
    page::{Page, Rows},
    run::{PAGE, PATIENCE},
};
use crate::{
    hub::{
        failure::Failure,
        ports::Links,
        store::{Kind, Store},
    },
    query::{Literal, Query},
};

/// Parts that are read at a time.
const CHUNK: usize = 256;

impl<S: Store, L: Links> Core<S, L> {
    /// One page of at most `size` rows.
    pub(super) async fn parts(
        &self,
        query: &Query,
        text: &str,
        size: u64,
        token: Option<&str>,
    ) -> Result<Page, Failure> {
        let mut mark = token.map_or_else(|| Ok(Mark::default()), |token| Mark::parse(token, text))?;
        let prefix = prefix(query);
        let end = Instant::now() + PATIENCE;
        let mut rows = Rows::new();
        loop {
            let documents = self.store.documents(Kind::JobPart, &prefix, Some(&mark.after), CHUNK).await?;
            for document in &documents {
                if query.top().is_some_and(|top| mark.rows >= top) {
                    return Ok(rows.into_page(query, None));
                }
                let row: Value = serde_json::from_str(&document.body).unwrap_or_default();
                if query.matches(&row) {
                    if rows.count == size || rows.bytes() > PAGE {
                        return Ok(rows.into_page(query, Some(mark.token(text))));
                    }
                    if query.select_all() {
                        rows.push_text(&document.body);
                    } else {
                        rows.push_columns(query.project(&row));
                    }
                    mark.rows += 1;
                }
                mark.after = document.id.to_string();
            }
            if documents.len() < CHUNK {
                return Ok(rows.into_page(query, None));
            }
            if Instant::now() > end {
                return Ok(rows.into_page(query, Some(mark.token(text))));
            }
        }
    }
}

/// How the ids of all parts begin that can be selected.
fn prefix(query: &Query) -> String {
    let one = |name: &str| {
        let mut equalities = query.condition()?.equalities().filter(|equality| equality.path.is(name));
        equalities.find_map(|equality| match equality.any_of {
            // A database may take this for the end of a text.
            [Literal::Text(text)] if !text.contains('\0') => Some(text.clone()),
            _ => None,
        })
    };
    match (one("jobId"), one("deviceId")) {
        (None, _) => String::new(),
        (Some(job), None) => format!("{job}/"),
        (Some(job), Some(device)) => format!("{job}/{device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_one_job_are_found_by_their_names() {
        for (condition, expected) in [
            ("devices.jobs.jobId = 'j1' and devices.jobs.status = 'failed'", "j1/"),
            ("jobId = 'j1' AND deviceId = 'd1'", "j1/d1"),
            ("jobId IN ['j1', 'j2']", ""),
            ("jobId = 'j1' OR status = 'failed'", ""),
            ("status = 'failed'", ""),
        ] {
            let query = Query::parse(&format!("SELECT * FROM devices.jobs WHERE {condition}")).unwrap();
            assert_eq!(prefix(&query), expected, "{condition}");
        }
    }
}
