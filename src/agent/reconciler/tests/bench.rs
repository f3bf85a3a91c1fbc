//! A reconciler at work between a device made of memory and a hub made of memory.

use tempfile::TempDir;

use super::*;
use crate::{agent::link::Command, twin::merge};

pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) fake: Fake,
    pub(super) ledger: Arc<Ledger>,
    pub(super) hub_tx: watch::Sender<Hub>,
    pub(super) wake_tx: mpsc::Sender<Wake>,
    pub(super) _jobs_tx: mpsc::Sender<Job>,
    pub(super) commands_rx: mpsc::Receiver<Command>,
    /// What the hub holds.
    pub(super) reported: Map,
    /// Whether the hub can be reached by those who try.
    pub(super) reach: bool,
    /// Those who tried in vain.
    pub(super) tried: Vec<oneshot::Sender<()>>,
    pub(super) stop: Stop,
    pub(super) running: tokio::task::JoinHandle<()>,
}

pub(super) fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

impl Bench {
    pub(super) fn new(fake: Fake, heal: bool) -> Self {
        Self::begin(tempfile::tempdir().unwrap(), fake, heal)
    }

    pub(super) fn begin(folder: TempDir, fake: Fake, heal: bool) -> Self {
        Self::owned(folder, "d1", fake, heal)
    }

    pub(super) fn owned(folder: TempDir, owner: &str, fake: Fake, heal: bool) -> Self {
        let ledger = Arc::new(Ledger::open(folder.path(), owner).unwrap());
        let (link, commands_rx) = LinkHandle::new();
        let (hub_tx, hub_rx) = watch::channel(Hub::Offline);
        let (wake_tx, wake_rx) = mpsc::channel(4);
        let stop = Stop::new();
        let platform = Arc::new(fake.clone());
        let state = folder.path().to_owned();
        let (jobs_tx, jobs_rx) = mpsc::channel(1);
        let reconciler = Reconciler {
            platform,
            ledger: Arc::clone(&ledger),
            link,
            hub_rx,
            wake_rx,
            jobs_rx,
            book: Arc::new(Book::open(folder.path())),
            offers: Offers::default(),
            state,
            heal,
        };
        let running = tokio::spawn(reconciler.run(stop.clone()));
        Self {
            folder,
            fake,
            ledger,
            hub_tx,
            wake_tx,
            _jobs_tx: jobs_tx,
            commands_rx,
            reported: Map::new(),
            reach: true,
            tried: Vec::new(),
            stop,
            running,
        }
    }

    /// Stops the reconciler and waits for its end.
    pub(super) async fn end(&mut self) {
        self.stop.request();
        (&mut self.running).await.unwrap();
    }

    /// The hub says what is desired; the connection is up from now on.
    pub(super) async fn desire(&self, desired: Value, version: u64) {
        self.ledger.accept_whole(map(desired), version).await.unwrap();
        if matches!(*self.hub_tx.borrow(), Hub::Offline) {
            self.hub_tx.send_replace(Hub::Online(Arc::new(self.reported.clone())));
        }
    }

    /// The next report; the hub takes it.
    pub(super) async fn report(&mut self) -> Value {
        loop {
            match self.commands_rx.recv().await {
                Some(Command::Report(patch, answer)) => {
                    merge(&mut self.reported, &patch);
                    answer.send(Ok(1)).unwrap();
                    return Value::Object(patch);
                }
                Some(Command::Prove(answer)) if self.reach => answer.send(()).unwrap(),
                Some(Command::Prove(answer)) => self.tried.push(answer),
                other => panic!("a report, not {other:?}"),
            }
        }
    }

    /// The next report that says something of a path.
    pub(super) async fn report_of(&mut self, path: &str) {
        let keys: Vec<&str> = path.split('.').collect();
        loop {
            let report = self.report().await;
            if keys.iter().try_fold(&report, |value, key| value.get(key)).is_some() {
                return;
            }
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<Value> {
        self.fake.with(|memory| memory.values.get(key).cloned())
    }

    /// Has the device looked at, taking all reports meanwhile.
    pub(super) async fn settle(&mut self) -> Outcome {
        let (wake, mut outcome) = oneshot::channel();
        self.wake_tx.send(wake).await.unwrap();
        loop {
            tokio::select! {
                outcome = &mut outcome => return outcome.unwrap(),
                _ = self.report() => {}
            }
        }
    }

    pub(super) fn at(&self, path: &str) -> &Value {
        let mut keys = path.split('.');
        let first = self.reported.get(keys.next().unwrap()).unwrap_or(&Value::Null);
        keys.fold(first, |value, key| value.get(key).unwrap_or(&Value::Null))
    }

    pub(super) fn ac(&self, path: &str) -> u64 {
        self.at(path)["ac"].as_u64().unwrap_or(0)
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.fake.with(|memory| std::mem::take(&mut memory.asked))
    }
}
