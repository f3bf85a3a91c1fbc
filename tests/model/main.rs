//! The hub against a plain model of what it is to do: random sequences of what operators and devices ask of it. Every
//! difference between the two is a fault of the hub, or of the model.
//!
//! * `operation` is what is asked, `value` and `condition` what it is asked with.
//! * `model` foretells the effects of an operation in memory, by the `rules` of twins.
//! * `stage` asks a real hub, over REST and MQTT, and waits for the effects; `link` is a device's connection.
//!
//! `PROPTEST_CASES` says how many sequences there are. A failure prints the shortest one that was found.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod condition;
mod effects;
mod link;
mod model;
mod operation;
mod rules;
mod stage;
mod twin;
mod value;
#[path = "../support/world.rs"]
mod world;

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use model::Model;
use operation::{NAMES, Operation, Script};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use stage::Stage;
use value::Short;

/// Sequences if nobody says how many, unless time is up before.
const CASES: u32 = 64;
const TIME: Duration = Duration::from_secs(12);
/// Most operations in a row.
const MOST: usize = 120;

/// Plays a script before a hub and the model; where they differ.
async fn play(Script(operations): &Script) -> Result<(), String> {
    let (mut model, mut stage) = (Model::default(), Stage::new().await);
    for (at, operation) in operations.iter().enumerate() {
        let expected = model.apply(operation);
        let seen = if matches!(operation, Operation::Restart) {
            let (next, seen) = stage.restarted().await;
            stage = next;
            seen
        } else {
            stage.perform(operation).await
        };
        let step = at + 1;
        if seen != expected {
            return Err(format!("step {step}, {operation}\n  expected: {expected}\n  the hub: {seen}"));
        }
        let is_last = step == operations.len();
        let names: Vec<_> = NAMES.into_iter().filter(|name| is_last || operation.concerns(name)).collect();
        compare(&mut stage, &model, &names).await.map_err(|found| format!("step {step}, {operation}\n  {found}"))?;
    }
    stage.end().await;
    Ok(())
}

/// Where twins differ from what the model says of them. Links come and go a moment after their cause.
async fn compare(stage: &mut Stage, model: &Model, names: &[&'static str]) -> Result<(), String> {
    let connection = |document: Option<&Value>| document.map(|one| one["connectionState"].clone());
    let twins = stage.twins(names, |name, twin| {
        let foretold = model.document(name);
        foretold.is_none() || connection(foretold.as_ref()) == connection(Some(twin))
    });
    let twins = twins.await;
    for name in names {
        let (expected, seen) = (model.document(name).unwrap_or_default(), twins.get(name).cloned().unwrap_or_default());
        if seen != expected {
            return Err(format!("{name} expected: {}\n  the hub: {}", Short(&expected), Short(&seen)));
        }
    }
    Ok(())
}

#[test]
fn a_hub_does_what_the_model_foretells() {
    let config = Config { failure_persistence: None, max_shrink_time: 120_000, ..Config::default() };
    let is_bounded = std::env::var_os("PROPTEST_CASES").is_none();
    let cases = if is_bounded { CASES } else { config.cases };
    let mut runner = TestRunner::new(Config { cases, ..config });
    let (start, has_failed) = (Instant::now(), Cell::new(false));
    let result = runner.run(&operation::script(MOST), |script| {
        // Once there is a failure, time goes into making it smaller.
        if is_bounded && !has_failed.get() && start.elapsed() > TIME {
            return Ok(());
        }
        // A panic is a failure too.
        let failed_before = has_failed.replace(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let played = runtime.block_on(play(&script)).map_err(TestCaseError::fail);
        has_failed.set(failed_before || played.is_err());
        played
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
