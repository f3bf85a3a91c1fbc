//! `/drift`: what has left the state that git declares, by verdict, component and tag.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};

use super::{
    facets::{self, Facet},
    query::ROWS,
};
use crate::{
    portal::{
        Portal, Role,
        asked::{Asked, address},
        error::PageError,
        gate::Visitor,
        model::{Detail, Model, Row, word},
        page::{self, Frame, Time},
    },
    report::grouped,
};

#[derive(Template)]
#[template(path = "drift.html")]
struct DriftPage {
    frame: Frame,
    found: String,
    facets: Vec<Facet>,
    devices: Vec<Drifted>,
    first: Option<String>,
    next: Option<String>,
    may_propose: bool,
}

/// One device.
struct Drifted {
    id: String,
    word: &'static str,
    connected: bool,
    /// Empty where only the worst are kept, and this is none of those.
    properties: Vec<Property>,
}

struct Property {
    detail: Detail,
    word: &'static str,
    since: Option<Time>,
}

/// Shows it.
pub(super) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, PageError> {
    let asked = Asked::new(pairs);
    let frame = Frame::new(&portal, &visitor.0, "drift", "Drift", asked.with("/drift", "", None));
    let mut page = DriftPage {
        frame,
        found: "0".to_owned(),
        facets: Vec::new(),
        devices: Vec::new(),
        first: None,
        next: None,
        may_propose: visitor.0.role >= Role::Operator,
    };
    if let Some(model) = portal.model() {
        page.fill(&model, &asked);
    }
    page::html(&page)
}

impl DriftPage {
    fn fill(&mut self, model: &Model, asked: &Asked) {
        let mut filter = facets::filter(model, asked);
        filter.drift = true;
        let counts = model.counts(&filter);
        let after = asked.get("after").unwrap_or_default();
        let (rows, more) = model.page(&filter, after, ROWS as usize);
        self.next = rows.last().filter(|_| more).map(|last| asked.with("/drift", "after", Some(&last.id)));
        self.first = (!after.is_empty()).then(|| asked.with("/drift", "after", None));
        self.devices = rows.into_iter().map(|row| Drifted::of(model, row)).collect();
        self.facets = facets::of_drift(model, asked, &counts);
        self.found = grouped(counts.devices);
    }
}

impl Property {
    /// Where somebody says how long git leaves the path alone.
    fn ignore(&self) -> String {
        address("/change/ignore", [("path", self.detail.path.as_str())])
    }
}

impl Drifted {
    /// Where the value that the device holds becomes what git says.
    fn adopt(&self, property: &Property) -> String {
        address("/change/adopt", [("device", self.id.as_str()), ("path", property.detail.path.as_str())])
    }

    fn of(model: &Model, row: &Row) -> Self {
        let property = |detail: &Detail| Property {
            word: detail.verdict.word(),
            since: detail.since.as_deref().and_then(Time::parse),
            detail: detail.clone(),
        };
        let details = model.details.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        Self {
            id: row.id.to_string(),
            word: word(row.stand),
            connected: row.connected,
            properties: details.iter().map(property).collect(),
        }
    }
}
