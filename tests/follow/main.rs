//! `twinops reconcile --watch` and its kin, as the built command: a remote, a hub, webhooks, and those who are told.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "../faults/proxy.rs"]
#[expect(dead_code, reason = "nothing breaks here")]
mod proxy;
mod signed;
#[path = "../faults/stage.rs"]
#[expect(dead_code, reason = "shared with the tests of faults")]
mod stage;
mod watcher;
#[path = "../support/world.rs"]
#[expect(dead_code, unused_imports, reason = "no device connects here")]
mod world;

use serde_json::json;
use stage::Stage;
use watcher::{Listener, SECRET, Watcher, sign};

/// A fleet whose repository has a remote with a first edition.
async fn with_remote(seed: u64) -> Stage {
    let stage = Stage::new(seed).await;
    let remote = stage.repository.path().join("remote.git");
    stage.commit(1).await;
    stage.git(&["init", "--quiet", "--bare", "--initial-branch=main", remote.to_str().unwrap()]).await;
    stage.git(&["remote", "add", "origin", remote.to_str().unwrap()]).await;
    stage.git(&["push", "--quiet", "--set-upstream", "origin", "main"]).await;
    stage
}

/// Somebody pushes; the clone that is watched has not fetched it yet.
async fn push(stage: &Stage, edition: usize) {
    stage.git(&["reset", "--quiet", "--hard", "origin/main"]).await;
    stage.commit(edition).await;
    stage.git(&["push", "--quiet", "origin", "HEAD:main"]).await;
    stage.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await;
    stage.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_reconciled_at_its_webhook_and_whoever_does_not_prove_himself_is_nobody() {
    let stage = with_remote(21).await;
    let listener = Listener::start().await;
    let mut watcher = Watcher::start(&stage, &listener).await;
    let done = watcher.event("finished").await;
    assert_eq!(done["applied"], json!(stage::DEVICES));
    assert_eq!(done["actor"], json!("Test <test@example.org>"));

    push(&stage, 2).await;
    assert_eq!(watcher.post(&[], "{}").await, 401);
    assert_eq!(watcher.post(&[("x-hub-signature-256", &sign("wrong", "{}"))], "{}").await, 401);
    assert_eq!(watcher.post(&[("x-hub-signature-256", &sign(SECRET, "{}"))], "{}").await, 202);
    let first = watcher.event("applied").await;
    assert_ne!(first["revision"], done["revision"]);
    watcher.event("finished").await;
    stage.is_right(2).await;

    // Many at once are one or two: what they ask for is to look.
    push(&stage, 3).await;
    for _ in 0..10 {
        assert_eq!(watcher.post(&[("x-gitlab-token", SECRET)], "{}").await, 202);
    }
    watcher.event("finished").await;
    stage.is_right(3).await;

    let metrics = watcher.metrics_with("twinops_reconcile_runs_total{state=\"reconciled\"} 3").await;
    for line in [
        "twinops_reconcile_hub_calls_total{status=\"200\"}",
        "twinops_reconcile_plan_duration_seconds_count 3",
        "twinops_reconcile_devices{verdict=",
    ] {
        assert!(metrics.contains(line), "`{line}` is missing from:\n{metrics}");
    }
    watcher.interrupt().await;
    assert_eq!(listener.heard(), Vec::<String>::new(), "all went well: that is no news");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_and_metrics_are_listened_for_over_tls() {
    let stage = with_remote(24).await;
    let listener = Listener::start().await;
    let mut watcher = Watcher::start_with_tls(&stage, &listener).await;
    watcher.event("finished").await;
    push(&stage, 2).await;
    assert_eq!(watcher.post(&[("x-gitlab-token", SECRET)], "{}").await, 202);
    watcher.event("finished").await;
    stage.is_right(2).await;
    watcher.metrics_with("twinops_reconcile_runs_total{state=\"reconciled\"} 2").await;
    watcher.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_of_changes_of_state_is_told_once() {
    let stage = with_remote(22).await;
    let mut listener = Listener::start().await;
    let mut watcher = Watcher::start(&stage, &listener).await;
    watcher.event("finished").await;
    for _ in 0..2 {
        std::fs::write(stage.repository.path().join("broken.yaml"), "kind: [").unwrap();
        stage.git(&["add", "broken.yaml"]).await;
        stage.git(&["commit", "--quiet", "--allow-empty", "--message", "A slip"]).await;
        stage.git(&["push", "--quiet"]).await;
        assert_eq!(watcher.post(&[("x-gitlab-token", SECRET)], "{}").await, 202);
        // The second is no change, and the next thing that is told is that it was mended.
        watcher.printed("broken.yaml").await;
    }
    assert!(listener.next().await.contains("findings (was: reconciled)"));
    stage.git(&["rm", "--quiet", "broken.yaml"]).await;
    stage.git(&["commit", "--quiet", "--message", "Mended"]).await;
    stage.git(&["push", "--quiet"]).await;
    assert_eq!(watcher.post(&[("x-gitlab-token", SECRET)], "{}").await, 202);
    assert!(listener.next().await.contains("reconciled (was: findings)"));
    watcher.interrupt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_parts_of_a_fleet_are_the_whole() {
    let stage = Stage::new(23).await;
    stage.commit(1).await;
    let written = async |part: &str| {
        let (code, said) = stage.run(&["reconcile", "--shard", part, "--events", "-"]).await;
        assert_eq!(code, 0, "{said}");
        said.lines().filter(|line| line.contains(r#""event":"applied""#)).count()
    };
    let (one, two) = (written("1/2").await, written("2/2").await);
    assert!(one > 0 && two > 0 && one + two == stage::DEVICES, "{one} and {two}");
    stage.finishes().await;
    stage.is_right(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_sent_what_a_run_took() {
    let (stage, mut listener) = (Stage::new(25).await, Listener::start().await);
    stage.commit(1).await;
    let (code, said) = stage.run(&["reconcile", "--otlp", &listener.base]).await;
    assert_eq!(code, 0, "{said}");
    let document: serde_json::Value = serde_json::from_str(&listener.next().await).unwrap();
    let spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["plan", "apply", "reconcile"]);
    assert_eq!(spans[2]["attributes"][1]["value"], json!({ "stringValue": "Test <test@example.org>" }));
    // Nobody there is no reason to fail.
    let (code, said) = stage.run(&["reconcile", "--otlp", "http://127.0.0.1:1"]).await;
    assert!(code == 0 && said.contains("the trace could not be sent"), "{code}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_reconciled_when_files_are_watched() {
    let stage = Stage::new(24).await;
    stage.commit(1).await;
    let mut watcher = Watcher::of(stage.command(&["reconcile", "--watch", "--worktree", "--events", "-"]));
    watcher.event("finished").await;
    let file = stage.repository.path().join("fleet.yaml");
    let text = std::fs::read_to_string(&file).unwrap().replace("edition: 1, only1", "edition: 2, only2");
    std::fs::write(file, text).unwrap();
    watcher.event("finished").await;
    stage.is_right(2).await;
    watcher.interrupt().await;
}
