//! Clients that write as fast as they are answered, and what they must find again.
//!
//! Every write numbers itself, so that a twin tells by itself whether it is whole: number, versions and etag belong
//! together, and the number is one that was acknowledged or on its way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use twinops::iothub::{ETag, Key};

use super::hub::{Device, Hub, PATIENCE, Service};

/// How many patches a device has on their way.
const WINDOW: u64 = 6;

/// Numbers of the last write that was sent, and of the last one that was acknowledged.
#[derive(Default)]
struct Writes {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    /// Something was acknowledged, to anybody.
    news: Arc<Notify>,
}

impl Writes {
    fn acknowledged(&self) -> u64 {
        self.acknowledged.load(SeqCst)
    }

    fn acknowledge(&self, number: u64) {
        self.acknowledged.store(number, SeqCst);
        self.news.notify_waiters();
    }

    fn send(&self) -> u64 {
        self.sent.fetch_add(1, SeqCst) + 1
    }

    /// From now on this is what was written.
    fn settle(&self, number: u64, least: u64) {
        let sent = self.sent.swap(number, SeqCst);
        self.acknowledged.store(number, SeqCst);
        assert!((least..=sent).contains(&number), "{number} is there; {least} was acknowledged and {sent} sent");
    }
}

/// Who writes.
enum Side {
    /// Tags and desired properties together, over REST.
    Service,
    /// Reported properties, over MQTT.
    Device(Key),
}

struct Writer {
    id: String,
    side: Side,
    writes: Arc<Writes>,
}

/// Writers with a twin each.
pub(crate) struct Load {
    writers: Vec<Writer>,
    news: Arc<Notify>,
}

/// Writers at work.
pub(crate) struct Running {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Makes the twins.
    pub(crate) async fn of(hub: &Hub, services: usize, devices: usize) -> Self {
        let (mut writers, news) = (Vec::new(), Arc::<Notify>::default());
        let fresh = || Arc::new(Writes { news: Arc::clone(&news), ..Writes::default() });
        for n in 0..services {
            let id = format!("service-{n}");
            hub.service.make(&id).await;
            writers.push(Writer { id, side: Side::Service, writes: fresh() });
        }
        for n in 0..devices {
            let id = format!("device-{n}");
            let key = hub.service.make(&id).await;
            writers.push(Writer { id, side: Side::Device(key), writes: fresh() });
        }
        Self { writers, news }
    }

    /// They write until they are told to stop or the hub is gone.
    pub(crate) async fn start(&self, hub: &Hub) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for Writer { id, side, writes } in &self.writers {
            let (id, writes, stop) = (id.clone(), Arc::clone(writes), Arc::clone(&stop));
            tasks.push(match side {
                Side::Service => tokio::spawn(serve(hub.service.apart(), id, writes, stop)),
                Side::Device(key) => tokio::spawn(report(hub.connect(&id, key).await, writes, stop)),
            });
        }
        Running { stop, tasks }
    }

    /// What was acknowledged up to now, of all writers.
    pub(crate) fn acknowledged(&self) -> Vec<u64> {
        self.writers.iter().map(|writer| writer.writes.acknowledged()).collect()
    }

    /// Waits until every writer was acknowledged so many more writes.
    pub(crate) async fn progress(&self, more: u64) {
        let goals: Vec<u64> = self.acknowledged().iter().map(|number| number + more).collect();
        let reached = async {
            loop {
                let news = self.news.notified();
                if self.acknowledged().iter().zip(&goals).all(|(number, goal)| number >= goal) {
                    break;
                }
                news.await;
            }
        };
        timeout(PATIENCE, reached).await.expect("the hub answers");
    }

    /// Every twin is whole, and has what was acknowledged at that time, or later.
    pub(crate) async fn is_there(&self, service: &Service, acknowledged: &[u64]) {
        for (Writer { id, side, writes }, least) in self.writers.iter().zip(acknowledged) {
            let twin = service.twin(id).await;
            let number = match side {
                Side::Service => by_service(&twin),
                Side::Device(_) => by_device(&twin),
            };
            writes.settle(number, *least);
        }
    }
}

impl Running {
    /// Waits for their ends, which come when the hub is gone.
    pub(crate) async fn ended(self) {
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.store(true, SeqCst);
        self.ended().await;
    }
}

async fn serve(service: Service, id: String, writes: Arc<Writes>, stop: Arc<AtomicBool>) {
    while !stop.load(SeqCst) {
        let n = writes.send();
        let body = json!({"tags": {"n": n}, "properties": {"desired": {"n": n}}});
        let Some(answer) = service.patch(&id, &body).await else { return };
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(by_service(&answer.body), n);
        writes.acknowledge(n);
    }
}

async fn report(mut device: Device, writes: Arc<Writes>, stop: Arc<AtomicBool>) {
    loop {
        while !stop.load(SeqCst) && writes.sent.load(SeqCst) < writes.acknowledged() + WINDOW {
            let n = writes.send();
            device.report(n, &json!({ "n": n })).await;
        }
        if writes.sent.load(SeqCst) == writes.acknowledged() {
            return;
        }
        let Some((status, n, version)) = device.answer().await else { return };
        assert_eq!((status, n, version), (204, writes.acknowledged() + 1, Some(n + 1)));
        writes.acknowledge(n);
    }
}

/// Which write of the service a twin has; that it has all of it.
pub(crate) fn by_service(twin: &Value) -> u64 {
    let n = twin["tags"]["n"].as_u64().unwrap_or_default();
    assert_eq!(twin["etag"], json!(ETag::of_twin(1 + n)), "{twin}");
    assert_eq!((&twin["version"], &twin["properties"]["desired"]["$version"]), (&json!(2 + n), &json!(1 + n)));
    assert_eq!(twin["properties"]["desired"]["n"].as_u64().unwrap_or_default(), n, "{twin}");
    n
}

fn by_device(twin: &Value) -> u64 {
    let n = twin["properties"]["reported"]["n"].as_u64().unwrap_or_default();
    assert_eq!((&twin["version"], &twin["properties"]["reported"]["$version"]), (&json!(2 + n), &json!(1 + n)));
    n
}
