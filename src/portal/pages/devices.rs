//! `/devices`: all devices, by what they have in common or by a condition.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};

use super::{
    facets::{self, Facet},
    query::{self, Answer, Line, ROWS},
};
use crate::{
    portal::{
        Portal,
        asked::{Asked, address},
        error::PageError,
        gate::Visitor,
        model::Model,
        page::{self, Frame},
    },
    report::grouped,
};

/// Conditions of the fleet that are offered.
const SAVED: usize = 12;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    condition: String,
    prefix: String,
    /// How many there are; not known of a condition, which the hub answers page by page.
    found: Option<String>,
    facets: Vec<Facet>,
    saved: Vec<Saved>,
    answer: Answer,
    first: Option<String>,
    next: Option<String>,
}

/// A condition that somebody has written down already.
struct Saved {
    name: String,
    condition: String,
    link: String,
}

/// Shows them.
pub(super) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, PageError> {
    let asked = Asked::new(pairs);
    let here = asked.with("/devices", "", None);
    let frame = Frame::new(&portal, &visitor.0, "devices", "Devices", here);
    let condition = asked.get("where").unwrap_or_default().trim().to_owned();
    let mut page = DevicesPage {
        frame,
        prefix: asked.get("id").unwrap_or_default().to_owned(),
        found: None,
        facets: Vec::new(),
        saved: Vec::new(),
        answer: Answer::default(),
        first: None,
        next: None,
        condition,
    };
    if let Some(model) = portal.model() {
        page.saved = saved(&model);
        if page.condition.is_empty() {
            page.of_model(&model, &asked);
        } else {
            page.of_hub(&portal, &model, &asked).await;
        }
    }
    page::html(&page)
}

impl DevicesPage {
    fn of_model(&mut self, model: &Model, asked: &Asked) {
        let filter = facets::filter(model, asked);
        let counts = model.counts(&filter);
        let after = asked.get("after").unwrap_or_default();
        let (rows, more) = model.page(&filter, after, ROWS as usize);
        self.next = rows.last().filter(|_| more).map(|last| asked.with("/devices", "after", Some(&last.id)));
        self.first = (!after.is_empty()).then(|| asked.with("/devices", "after", None));
        self.answer.lines = rows.into_iter().map(|row| Line::of_row(model, row)).collect();
        self.found = Some(grouped(counts.devices));
        self.facets = facets::of_devices(model, asked, &counts);
    }

    async fn of_hub(&mut self, portal: &Portal, model: &Model, asked: &Asked) {
        let next = asked.get("next");
        self.answer = query::ask(portal, model, &self.condition, next).await;
        self.next = self.answer.next.as_deref().map(|next| asked.with("/devices", "next", Some(next)));
        self.first = next.map(|_| asked.with("/devices", "next", None));
    }
}

/// The conditions of the fleet's own documents, as links.
fn saved(model: &Model) -> Vec<Saved> {
    let fleet = model.declared.planner.fleet();
    let profiles =
        fleet.profiles.iter().filter_map(|one| Some((format!("Profile {}", one.name), one.condition.as_ref()?)));
    let rollouts =
        fleet.rollouts.iter().filter_map(|one| Some((format!("Rollout {}", one.name), one.condition.as_ref()?)));
    let saved = |(name, condition): (String, &crate::query::Condition)| {
        let condition = condition.text().to_owned();
        Saved { name, link: address("/devices", [("where", &*condition)]), condition }
    };
    profiles.chain(rollouts).take(SAVED).map(saved).collect()
}
