//! Calls of commands against a simulated device, with the reconciler that carries them out, and a hub made of memory.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::{
    agent::{
        ledger::Ledger,
        link::{Command as Sent, LinkHandle},
        reconciler::{Hub, Reconciler},
        resource::simulated::{Profile, Simulated},
    },
    task::Stop,
    twin::{Map, merge},
};

struct Bench {
    folder: TempDir,
    desk: Arc<Desk<Simulated>>,
    ledger: Arc<Ledger>,
    commands_rx: mpsc::Receiver<Sent>,
    _hub_tx: watch::Sender<Hub>,
    reported: Map,
    stop: Stop,
    running: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn new(words: &[&str]) -> Self {
        Self::begin(tempfile::tempdir().unwrap(), words, Duration::ZERO)
    }

    fn begin(folder: TempDir, words: &[&str], latency: Duration) -> Self {
        let profile = Profile { latency, ..Profile::default() };
        let platform = Arc::new(Simulated::new("d1", folder.path(), profile));
        let ledger = Arc::new(Ledger::open(folder.path(), "hub/d1").unwrap());
        let book = Arc::new(Book::open(folder.path()));
        let (link, commands_rx) = LinkHandle::new();
        let (hub_tx, hub_rx) = watch::channel(Hub::Online(Arc::default()));
        let (wake_tx, wake_rx) = mpsc::channel(4);
        let (jobs_tx, jobs_rx) = mpsc::channel(4);
        let allow = Allow::these(words).unwrap();
        let offers = Offers::of(&allow, &*platform);
        let of_desk = (Arc::clone(&ledger), link.clone(), Arc::clone(&book));
        let desk = Arc::new(Desk::new(Arc::clone(&platform), of_desk, allow, (jobs_tx, wake_tx)));
        let (at_ledger, state) = (Arc::clone(&ledger), folder.path().to_owned());
        let reconciler =
            Reconciler { platform, ledger: at_ledger, link, hub_rx, wake_rx, jobs_rx, book, offers, state, heal: true };
        let stop = Stop::new();
        let running = tokio::spawn(reconciler.run(stop.clone()));
        Self { folder, desk, ledger, commands_rx, _hub_tx: hub_tx, reported: Map::new(), stop, running }
    }

    async fn end(mut self) -> TempDir {
        self.stop.request();
        (&mut self.running).await.unwrap();
        self.folder
    }

    /// The next thing that the agent sends, reports taken; the answer to a method, if it is one.
    async fn sent(&mut self) -> Option<Reply> {
        match self.commands_rx.recv().await.unwrap() {
            Sent::Respond { status, payload, .. } => Some(Reply { status, body: payload }),
            Sent::Report(patch, answer) => {
                merge(&mut self.reported, &patch);
                answer.send(Ok(1)).unwrap();
                None
            }
            Sent::Refresh | Sent::Prove(_) => None,
        }
    }

    /// Calls a method to its very end; the answer.
    async fn call(&mut self, name: &str, payload: Value) -> Reply {
        let (desk, name) = (Arc::clone(&self.desk), name.to_owned());
        let payload = payload.to_string().into_bytes();
        let mut calling = tokio::spawn(async move { desk.take(&name, "1".to_owned(), &payload).await });
        let mut reply = None;
        loop {
            tokio::select! {
                biased;
                sent = self.sent() => reply = reply.or(sent),
                ended = &mut calling, if reply.is_some() => {
                    ended.unwrap();
                    return reply.unwrap();
                }
            }
        }
    }

    async fn status(&mut self, name: &str, payload: Value) -> i32 {
        self.call(name, payload).await.status
    }

    /// Takes reports until a path of them is there.
    async fn until(&mut self, path: &str) -> Value {
        loop {
            let reported = Value::Object(self.reported.clone());
            match reported.pointer(path) {
                Some(value) if !value.is_null() => return value.clone(),
                _ => drop(self.sent().await),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_twice_has_the_answer_of_the_first_also_after_a_restart() {
    let mut bench = Bench::new(&[]);
    let scan = json!({"id": "scan-1"});
    let first = bench.call("updates.scan", scan.clone()).await;
    assert_eq!(first, Reply { status: 200, body: json!({"available": 0, "packages": []}) });
    let mut bench = Bench::begin(bench.end().await, &[], Duration::ZERO);
    assert_eq!(bench.call("updates*scan", scan.clone()).await, first);
    assert_eq!(bench.status("reboot", scan).await, 409, "the id names another call");
    let calls = bench.until("/twinops/commands").await;
    assert_eq!(calls.as_array().unwrap().len(), 1);
    assert_eq!((&calls[0]["command"], &calls[0]["status"]), (&json!("updates.scan"), &json!(200)));
}

#[tokio::test(start_paused = true)]
async fn what_destroys_needs_the_devices_leave_and_two_steps() {
    let mut bench = Bench::new(&[]);
    assert_eq!(bench.status("wipe", json!({"id": "w"})).await, 403);
    let mut bench = Bench::begin(bench.end().await, &["wipe"], Duration::ZERO);
    assert_eq!(bench.status("factoryReset", json!({"id": "f"})).await, 403);
    assert_eq!(bench.status("wipe", json!({})).await, 400, "it has to be named");
    let first = bench.call("wipe", json!({"id": "w"})).await;
    assert_eq!(first.status, 202);
    assert_eq!(bench.status("wipe", json!({"id": "w", "token": "0".repeat(32)})).await, 403);
    let first = bench.call("wipe", json!({"id": "w"})).await;
    let second = json!({"id": "w", "token": first.body["token"]});
    assert_eq!(bench.call("wipe", second.clone()).await, Reply { status: 202, body: json!({"state": "scheduled"}) });
    // Once: with the id that was carried out, no token is asked for any more.
    assert_eq!(bench.status("wipe", second).await, 200);
    let calls = bench.until("/twinops/commands").await;
    assert!(!calls.to_string().contains("token"), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn the_hub_hears_of_a_wipe_before_it_is_carried_out() {
    let mut bench = Bench::new(&["wipe"]);
    bench.until("/twinops/summary").await;
    let first = bench.call("wipe", json!({"id": "w"})).await;
    let payload = json!({"id": "w", "token": first.body["token"]}).to_string().into_bytes();
    let desk = Arc::clone(&bench.desk);
    let calling = tokio::spawn(async move { desk.take("wipe", "1".to_owned(), &payload).await });
    assert_eq!(bench.sent().await.unwrap().status, 202, "the answer comes first");
    let Sent::Report(patch, answer) = bench.commands_rx.recv().await.unwrap() else { panic!("a report") };
    assert_eq!(patch["twinops"]["commands"][0]["status"], 202);
    assert!(!calling.is_finished(), "the hub has not taken the report");
    answer.send(Ok(1)).unwrap();
    calling.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_called_is_answered_with_the_reason() {
    let mut bench = Bench::new(&["none", "apps.stop", "diagnostics.list"]);
    for (name, payload, status) in [
        ("explode", json!({}), 404),
        ("reboot", json!({}), 403),
        ("apps.stop", json!({"app": 7}), 400),
        ("apps.stop", json!({"app": "line", "when": 1}), 400),
        ("diagnostics.list", json!({}), 501),
        ("windows.getWifiDetails", json!({}), 501),
    ] {
        let reply = bench.call(name, payload).await;
        assert_eq!(reply.status, status, "{name}");
        assert!(reply.body["error"].as_str().is_some_and(|error| error.len() > 10), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_happen_and_notes_nothing() {
    let mut bench = Bench::new(&["wipe"]);
    for (name, payload) in
        [("reboot", json!({"id": "a", "dryRun": true})), ("wipe", json!({"id": "a", "dryRun": true}))]
    {
        let reply = bench.call(name, payload).await;
        assert_eq!((reply.status, &reply.body["dryRun"]), (200, &json!(true)));
    }
    assert_eq!(bench.status("reboot", json!({"id": "a"})).await, 200, "the id is free");
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_the_end_of_a_pass_and_gives_up_in_time() {
    let latency = Duration::from_mins(2);
    let mut bench = Bench::begin(tempfile::tempdir().unwrap(), &[], latency);
    bench.until("/twinops/summary").await;
    let Value::Object(desired) = json!({"time": {"__t": "c", "timeZone": "UTC"}}) else { panic!("an object") };
    bench.ledger.accept_whole(desired, 1).await.unwrap();
    bench.until("/time/timeZone").await;
    assert_eq!(bench.status("reboot", json!({"id": "r"})).await, 409, "the pass takes minutes");
    while bench.reported["time"]["timeZone"]["ac"] != 200 {
        bench.sent().await;
    }
    assert_eq!(bench.status("reboot", json!({"id": "r"})).await, 200, "what did not begin may be asked for again");
}

#[tokio::test(start_paused = true)]
async fn what_the_twin_declares_is_not_commanded_otherwise() {
    let mut bench = Bench::new(&[]);
    let Value::Object(desired) = json!({"apps": {"line": {"desiredRunState": "running"}}}) else { panic!("an object") };
    bench.ledger.accept_whole(desired, 1).await.unwrap();
    let stop = bench.call("apps.stop", json!({"app": "line"})).await;
    assert_eq!(stop.status, 409);
    assert!(stop.body["error"].as_str().unwrap().contains("apps.line.desiredRunState"));
    assert_eq!(bench.status("apps.start", json!({"app": "line"})).await, 200);
    assert_eq!(bench.status("apps.stop", json!({"app": "other"})).await, 200);
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_is_taken_back_and_told_anew() {
    let mut bench = Bench::new(&[]);
    bench.until("/twinops/summary").await;
    bench.reported.insert("twinops".to_owned(), json!({"agentVersion": "forged"}));
    assert_eq!(bench.status("clearReported", Value::Null).await, 200);
    let version = bench.until("/twinops/agentVersion").await;
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test(start_paused = true)]
async fn the_names_of_the_windows_client_are_answered_in_its_words() {
    let mut bench = Bench::new(&["wipe"]);
    let reply = bench.call("windows.rebootAsync", json!({})).await;
    assert_eq!((reply.status, &reply.body["lastChange"]["state"]), (0, &json!("pending")));
    bench.until("/windows/rebootCmd/response").await;
    assert_eq!(bench.reported["windows"]["rebootCmd"]["response"], "scheduled");
    assert_eq!(bench.reported["windows"]["rebootCmd"]["lastChange"]["state"], "completed");
    // It has no second step, so that leave for `wipe` is none for it.
    assert_eq!(bench.status("windows.startRemoteWipeAsync", json!({"clearTPM": false})).await, 403);
    let app = json!({"action": "stop", "pkgFamilyName": "line"});
    assert_eq!(bench.status("windows.manageAppLifeCycleAsync", app).await, 0);
    bench.until("/windows/manageAppLifeCycleCmd/lastChange").await;
}
