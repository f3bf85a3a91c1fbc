//! The model, from twins on.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::{Counts, Filter, Model, survey};
use crate::{
    fleet::{
        Source, SourceFile, load,
        resolve::{Resolver, Secrets},
    },
    plan::{NoBases, Planner, Verdict},
    portal::Declared,
    reconcile::ports::Page,
};

const FLEET: &str = "\
apiVersion: twinops/v1
kind: Fleet
metadata: { name: model }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk'
  desired: { app: { edition: 7 } }
---
apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  where: tags.role = 'kiosk'
  waves:
    - { name: canary, where: tags.ring = 'canary' }
    - { name: rest, approval: required }
";

fn declared() -> Declared {
    let file = SourceFile { path: "fleet.yaml".into(), text: FLEET.as_bytes().into() };
    let source = Source::from_files([file]);
    let loaded = load(&source);
    assert!(loaded.is_sound(), "{:?}", loaded.findings);
    let resolver = Resolver::new(loaded.fleet.unwrap(), loaded.registry, Secrets::placeholders());
    let today = "2026-09-01".parse().unwrap();
    let planner = Planner::new(Arc::new(resolver), &"c".repeat(40), Box::new(NoBases), today);
    Declared { planner: Arc::new(planner), source: Arc::new(source) }
}

/// A kiosk whose twin has been brought to the commit.
fn twin(at: usize, edition: u64, reported: u64) -> Value {
    let (site, is_even) = (["oslo", "rome"][at % 2], at.is_multiple_of(2));
    let connection = if is_even { "Connected" } else { "Disconnected" };
    let ring = if at == 0 { "canary" } else { "rest" };
    let marker = json!({ "model": { "revision": "c".repeat(40), "sources": ["Profile/kiosk"] } });
    json!({
        "deviceId": format!("d{at:04}"), "etag": "a", "connectionState": connection,
        "lastActivityTime": "2026-09-01T08:00:00Z",
        "tags": { "role": "kiosk", "ring": ring, "site": site, "twinops": marker },
        "properties": {
            "desired": { "app": { "edition": edition }, "$version": 2, "$metadata": { "$lastUpdated": "2026-09-01T08:00:00Z" } },
            "reported": { "app": { "edition": reported }, "$version": 2, "$metadata": { "$lastUpdated": "2026-09-01T08:00:00Z" } },
        },
    })
}

async fn model(twins: Vec<Value>) -> Model {
    let pages: Vec<_> =
        twins.chunks(7).map(|page| Ok(Page::Array(Bytes::from(Value::from(page).to_string())))).collect();
    let facets = ["tags.site".parse().unwrap()];
    survey(stream::iter(pages), declared(), &facets).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_device_is_counted_in_whatever_it_has() {
    let mut twins: Vec<Value> = (0..100).map(|at| twin(at, 7, 7)).collect();
    twins[3] = twin(3, 8, 8);
    twins.push(json!({ "deviceId": "stranger", "etag": "a", "tags": {}, "properties": {} }));
    let model = model(twins).await;
    let counts: &Counts = &model.whole;
    assert_eq!((counts.devices, counts.managed(), counts.stand(None), counts.connected), (101, 100, 1, 50));
    assert_eq!((counts.stand(Some(Verdict::Edited)), counts.stand(Some(Verdict::Compliant))), (1, 99));
    let canary = model.shared.waves.find("kiosks / canary").unwrap();
    assert_eq!(counts.waves[&canary].values().sum::<u64>(), 1);
    let rome = model.shared.facets[0].1.find("rome");
    let filter = Filter { facets: [rome, None, None, None], drift: true, ..Filter::default() };
    let (rows, more) = model.page(&filter, "", 9);
    assert_eq!((rows.len(), more, &*rows[0].id), (1, false, "d0003"));
    let details = &model.details["d0003"];
    assert_eq!(
        (&*details[0].path, &*details[0].wanted, &*details[0].live),
        ("properties.desired.app.edition", "7", "8")
    );
    assert!(model.row("d0099").is_some() && model.row("d0100").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_a_gap() {
    let model = model((0..100).map(|at| twin(at, 7, 7)).collect()).await;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let (rows, more) = model.page(&Filter { connected: Some(true), ..Filter::default() }, &after, 7);
        seen.extend(rows.iter().map(|row| row.id.to_string()));
        after = seen.last().unwrap().clone();
        if !more {
            break;
        }
    }
    assert_eq!(seen, (0..100).step_by(2).map(|at| format!("d{at:04}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_somebody_has_to_approve_needs_a_person() {
    let mut twins: Vec<Value> = (0..30).map(|at| twin(at, 7, 7)).collect();
    for (at, twin) in twins.iter_mut().enumerate().skip(1) {
        *twin = json!({ "deviceId": format!("d{at:04}"), "etag": "a", "tags": { "role": "kiosk" }, "properties": {} });
    }
    let model = model(twins).await;
    let needs: Vec<_> = model.needs.iter().map(|need| (need.kind, need.link.as_str())).collect();
    assert!(needs.contains(&("Approval", "/rollouts#kiosks")), "{needs:?}");
}

#[test]
fn a_device_takes_little_room() {
    assert!(size_of::<super::Row>() <= 48, "{}", size_of::<super::Row>());
}
