//! Reading many twins, and waiting for devices.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::stream;
use tokio::time::Instant;

use super::{Hub, Say, carry_out, id, plan};
use crate::{
    reconcile::{
        Converged, Limits, Patience, Standing, acknowledged, converge, fold_pages,
        ports::{HubError, Page},
    },
    twin::DeviceId,
};

#[tokio::test]
async fn pages_are_worked_on_in_parallel_and_merged_in_order() {
    let pages = stream::iter((0..50).map(|n| Ok(Page::Lines(format!("{n}").into()))));
    let work = |page| match page {
        Page::Lines(text) | Page::Array(text) => String::from_utf8(text.to_vec()).unwrap(),
    };
    let mut all = Vec::new();
    fold_pages(pages, 4, work, |part| all.push(part)).await.unwrap();
    assert_eq!(all, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_that_cannot_be_fetched_ends_the_reading() {
    let pages = stream::iter([Ok(Page::Lines("".into())), Err(HubError::Unavailable { status: 503 })]);
    let mut merged = 0;
    assert!(fold_pages(pages, 4, |_| (), |()| merged += 1).await.is_err());
    assert_eq!(merged, 1);
}

async fn wait_for(hub: &Hub, names: &[String], done: impl Fn(&str) -> Standing + Sync) -> Converged {
    let devices = names.iter().map(|name| id(name));
    let standing = |row: &crate::twin::TwinRow<'_>| done(&row.device_id);
    converge(hub, devices, &standing, Patience::default(), &|_, _| (), &hub.stop).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_all_are_done_and_survives_trouble() {
    let hub = Hub::new(&[("a", &[Say::Trouble, Say::Throttle(None)])]);
    let looks = AtomicUsize::new(0);
    let standing = |_: &str| match looks.fetch_add(1, Ordering::Relaxed) {
        0..6 => Standing::Waiting,
        _ => Standing::Done,
    };
    let converged = wait_for(&hub, &["a".into(), "b".into()], standing).await;
    assert!(converged.is_complete());
    assert_eq!(converged.done.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_its_deadline_and_names_who_is_missing() {
    let hub = Hub::new(&[("gone", &[Say::Gone; 1000])]);
    let standing = |name: &str| match name {
        "a" => Standing::Done,
        "b" => Standing::Failed("disk full".into()),
        _ => Standing::Waiting,
    };
    let before = Instant::now();
    let converged = wait_for(&hub, &["a".into(), "b".into(), "c".into(), "gone".into()], standing).await;
    assert!(before.elapsed() <= Patience::default().total + Duration::from_secs(1));
    assert_eq!(converged.done, [id("a")]);
    assert_eq!(converged.failed, [(id("b"), "disk full".to_owned())]);
    assert_eq!(converged.waiting, [id("c"), id("gone")]);
    assert!(!converged.interrupted);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_early_once_all_that_are_left_have_failed_for_good() {
    let hub = Hub::new(&[]);
    let begun = Instant::now();
    let standing = |name: &str| match name {
        "a" => Standing::Done,
        _ => Standing::Failed("disk full".into()),
    };
    let converged = wait_for(&hub, &["a".into(), "b".into()], standing).await;
    assert_eq!(converged.failed, [(id("b"), "disk full".to_owned())]);
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    assert!(begun.elapsed() >= Patience::default().settled);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_says_something_else_is_still_at_work() {
    let hub = Hub::new(&[]);
    let begun = Instant::now();
    let standing = |_: &str| match begun.elapsed().as_secs() {
        seconds @ 0..100 => Standing::Failed(format!("attempt {}", seconds / 10)),
        _ => Standing::Done,
    };
    assert!(wait_for(&hub, &["a".into()], standing).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn many_devices_are_watched_by_query() {
    let hub = Hub::new(&[]);
    let first = r#"[{"deviceId":"d00","properties":{"reported":{"twinops":{"revision":{"value":"r","ac":200}}}}}]"#;
    hub.pages.lock().unwrap().push_back(first);
    let devices: Vec<DeviceId> = (0..60).map(|n| id(&format!("d{n:02}"))).collect();
    let stop = hub.stop.clone();
    let progress = |done, total| {
        assert_eq!((done, total), (1, 60));
        stop.request();
    };
    let look = converge(&hub, devices, &acknowledged("r"), Patience::default(), &progress, &hub.stop).await;
    let converged = look.unwrap();
    assert_eq!((converged.done, converged.waiting.len(), converged.interrupted), (vec![id("d00")], 59, true));
    assert_eq!(hub.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn twins_without_an_etag_are_read_together_and_what_the_index_does_not_know_alone() {
    let hub = Hub::new(&[]);
    hub.touch(&id("behind"));
    let page = r#"[{"deviceId":"a","etag":"0"},{"deviceId":"behind","etag":"0"},{"deviceId":"n","etag":"0"}]"#;
    hub.pages.lock().unwrap().push_back(page);
    let mut plan = plan(&["a", "behind", "missing", "n"]);
    plan.groups[0].devices.iter_mut().for_each(|device| device.etag = None);
    let (outcome, _) = carry_out(&hub, plan, Limits { concurrency: 1, ..Limits::default() }).await;
    assert_eq!((outcome.applied, outcome.adopted, outcome.unchanged), (2, 1, 1));
    let log: Vec<String> = hub.log().into_iter().map(|line| line.replace(r#" {"again":1}"#, "")).collect();
    let [query, rest @ ..] = &*log else { panic!("{log:?}") };
    assert!(query.ends_with("IN ['a','behind','missing','n']"), "{query}");
    let all =
        ["PATCH 0 a", "PATCH 0 behind", "GET behind", "PATCH 1 behind", "GET missing", "PATCH 0 missing", "GET n"];
    assert_eq!(rest, all);
}
