//! The lease: only whoever has it works on jobs, and only as long as they have it.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::hub::store::Leased;

/// Nobody is ever connected, but calls wait for ever.
struct Deaf(mpsc::UnboundedSender<()>);

impl Links for Deaf {
    fn mail(&self, _: &LinkId) {}

    fn desired(&self, _: &LinkId, _: u64, _: Bytes) {}

    async fn call(&self, _: &LinkId, _: &str, _: Bytes, _: Duration, _: Duration) -> Result<MethodAnswer, MethodFault> {
        let _ = self.0.send(());
        // Until whoever waits for the answer gives up.
        self.0.closed().await;
        Err(MethodFault::NotOnline)
    }

    fn cut(&self, _: &LinkId) {}

    fn connected(&self) -> usize {
        0
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_run_only_while_this_process_has_the_lease() {
    let folder = tempfile::tempdir().unwrap();
    let (asked, mut leases) = mpsc::unbounded_channel();
    let (called, mut calls) = mpsc::unbounded_channel();
    let granted = Arc::new(AtomicBool::new(false));
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let store = Leased { store, name: "jobs", granted: Arc::clone(&granted), asked: Some(asked) };
    let authority = Authority::new(Vec::new(), Policies::generate().unwrap());
    let core = Arc::new(Core::new(store, Arc::new(Deaf(called)), authority));
    let record = Record::fresh(part::link("d1").unwrap(), &DeviceIdentity::default(), 1, "T").unwrap();
    assert_eq!(core.store.write(vec![Change::Insert(Arc::new(record))]).await.unwrap(), Outcome::Written);
    core.create_job("j1", call_job("*").to_string().as_bytes()).await.unwrap();
    let stop = Stop::new();
    let engine = tokio::spawn(Arc::clone(&core).run_jobs(stop.clone()));
    for _ in 0..3 {
        leases.recv().await.unwrap();
    }
    assert!(calls.try_recv().is_err(), "another process has the lease");
    granted.store(true, Ordering::Relaxed);
    calls.recv().await.unwrap();
    granted.store(false, Ordering::Relaxed);
    while leases.try_recv().is_ok() {}
    // One that was under way, one that is refused, and one after everything has stopped.
    for _ in 0..3 {
        leases.recv().await.unwrap();
    }
    let job = core.job("j1").await.unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&job).unwrap()["status"], json!("running"));
    granted.store(true, Ordering::Relaxed);
    calls.recv().await.unwrap();
    stop.request();
    engine.await.unwrap();
}
