//! `/`: the whole fleet in numbers, with what needs a person on top.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Json,
    extract::State,
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    portal::{
        Portal,
        asked::address,
        bar::Bar,
        error::PageError,
        gate::Visitor,
        model::{ByStand, Counts, Model, Names, Need, Point},
        page::{self, Frame, Time},
    },
    report::{grouped, short},
};

/// Groups of devices that are shown of one kind.
const GROUPS: usize = 12;
/// Points of the history that a picture is drawn of, and those that are told as a table.
const POINTS: (usize, usize) = (600, 12);

#[derive(Template)]
#[template(path = "fleet.html")]
struct FleetPage {
    frame: Frame,
    needs: Vec<Need>,
    whole: Bar,
    devices: String,
    managed: String,
    connected: String,
    disconnected: String,
    revisions: Vec<Group>,
    waves: Vec<Group>,
    history: Vec<Line>,
}

/// Devices that have something in common.
struct Group {
    name: String,
    link: String,
    devices: String,
    bar: Bar,
    /// The one that git has now.
    current: bool,
}

/// A line of the history.
struct Line {
    time: Time,
    revision: String,
    compliant: String,
    waiting: String,
    drift: String,
}

/// Shows it.
pub(super) async fn show(State(portal): State<Arc<Portal>>, visitor: Visitor) -> Result<Html<String>, PageError> {
    let frame = Frame::new(&portal, &visitor.0, "fleet", "Fleet", "/".to_owned());
    let model = portal.model();
    let counts = model.as_ref().map(|model| model.whole.clone()).unwrap_or_default();
    let groups = model.as_ref().map(|model| groups(model, &counts));
    let (revisions, waves) = groups.unwrap_or_default();
    let mut history: Vec<Line> = portal.history.latest(POINTS.1).iter().map(Line::of).collect();
    history.reverse();
    page::html(&FleetPage {
        frame,
        needs: model.map(|model| model.needs.clone()).unwrap_or_default(),
        whole: Bar::of(&counts.stands),
        devices: grouped(counts.devices),
        managed: grouped(counts.managed()),
        connected: grouped(counts.connected),
        disconnected: grouped(counts.devices - counts.connected),
        revisions,
        waves,
        history,
    })
}

/// `/history.json`: the numbers that the picture is drawn of, as columns.
pub(super) async fn history(State(portal): State<Arc<Portal>>, _: Visitor) -> Response {
    let points = portal.history.latest(POINTS.0);
    let column = |of: fn(&Point) -> u64| points.iter().map(of).collect::<Vec<_>>();
    let times: Vec<i64> = points.iter().map(|point| point.time).collect();
    let columns = json!({
        "time": times, "compliant": column(|point| point.compliant), "waiting": column(|point| point.waiting),
        "drift": column(|point| point.drift),
    });
    Json(columns).into_response()
}

fn groups(model: &Model, counts: &Counts) -> (Vec<Group>, Vec<Group>) {
    let current = model.revision();
    let revision = |name: &str| (short(name).to_owned(), name == current);
    let revisions = grouped_by(&counts.revisions, &model.shared.revisions, "revision", revision);
    let wave = |name: &str| (name.to_owned(), false);
    let waves = if model.rollouts.is_empty() {
        Vec::new()
    } else {
        grouped_by(&counts.waves, &model.shared.waves, "wave", wave)
    };
    (revisions, waves)
}

fn grouped_by(
    counts: &BTreeMap<u16, ByStand>,
    names: &Names,
    query: &str,
    shown: impl Fn(&str) -> (String, bool),
) -> Vec<Group> {
    let mut groups: Vec<(u64, u16, &ByStand)> =
        counts.iter().map(|(number, stands)| (stands.values().sum(), *number, stands)).collect();
    groups.sort_by_key(|(devices, number, _)| (std::cmp::Reverse(*devices), *number));
    let group = |(devices, number, stands): (u64, u16, &ByStand)| {
        let word = names.word(number);
        let (name, current) = shown(&word);
        let link = address("/devices", [(query, &*word)]);
        Group { name, link, devices: grouped(devices), bar: Bar::of(stands), current }
    };
    groups.into_iter().take(GROUPS).map(group).collect()
}

impl Line {
    fn of(point: &Point) -> Self {
        Self {
            time: Time::of(Timestamp::from_second(point.time).unwrap_or_default()),
            revision: short(&point.revision).to_owned(),
            compliant: grouped(point.compliant),
            waiting: grouped(point.waiting),
            drift: grouped(point.drift),
        }
    }
}
