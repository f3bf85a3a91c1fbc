//! The way to the hub: what is sent may be lost, doubled, delayed past the next try, cut off, or answered by nobody,
//! and goes on being so after its sender has died.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use tokio::{
    sync::oneshot,
    time::{Instant, advance, sleep, timeout},
};
use twinops::reconcile::ports::HubError;

use super::hub::{Hub, Reply, Request};

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(90);

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    /// 429, before anything is done.
    Throttled,
    /// 5xx, before or after it is done.
    Trouble {
        done: bool,
    },
    /// The connection breaks before the request arrives, or before its answer does.
    Reset {
        done: bool,
    },
    /// The answer is cut off, and looks whole.
    Truncated,
    /// It arrives twice.
    Twice,
    /// It arrives long after its sender has given up.
    Late,
}

/// What the whole hub goes through for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Storm,
    Down,
}

#[derive(Debug)]
struct Sky {
    rng: Rng,
    /// Of a thousand requests, how many meet a fault; 0: it is calm.
    faults: u32,
    weather: Option<(Weather, Instant)>,
    /// Counts the hub's restarts: answers under way do not survive one.
    restarts: u32,
}

/// A hub and the way there. Clones share both.
#[derive(Debug, Clone)]
pub(super) struct Network {
    hub: Arc<Mutex<Hub>>,
    sky: Arc<Mutex<Sky>>,
}

fn broken() -> HubError {
    HubError::Unreachable("the connection broke".into())
}

impl Network {
    pub(super) fn new(hub: Hub, rng: Rng, faults: u32) -> Self {
        let sky = Sky { rng, faults, weather: None, restarts: 0 };
        Self { hub: Arc::new(Mutex::new(hub)), sky: Arc::new(Mutex::new(sky)) }
    }

    pub(super) fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap()
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap()
    }

    /// From now on all is well, once what is under way has arrived.
    pub(super) async fn calm(&self) {
        self.sky().faults = 0;
        sleep(Duration::from_hours(2)).await;
        self.sky().weather = None;
        self.hub().index(&mut Rng::with_seed(0), 1.0);
    }

    /// The index catches up, as far as it does.
    pub(super) fn index(&self) {
        let mut sky = self.sky();
        let share = if sky.faults == 0 { 1.0 } else { 0.7 };
        self.hub().index(&mut sky.rng, share);
    }

    /// Sends a request. Dropping this does not take it back.
    pub(super) async fn send(&self, request: Request) -> Result<Reply, HubError> {
        let (fate, there, back, jump) = self.sky().draw();
        sleep(there).await;
        if let Some(jump) = jump {
            // The machine slept, or its clock was set.
            advance(jump).await;
            self.hub().clock += if jump.as_secs().is_multiple_of(2) { 86_400 } else { -86_400 };
        }
        let weather = self.sky().now();
        match (weather, fate) {
            (Some(Weather::Storm), _) | (None, Fate::Throttled) => {
                let wait = self.sky().rng.u64(0..8);
                return Err(HubError::Throttled { retry_after: (wait > 4).then(|| Duration::from_secs(wait)) });
            }
            (Some(Weather::Down), _) | (None, Fate::Reset { done: false }) => return Err(broken()),
            (None, Fate::Trouble { done: false }) => return Err(HubError::Unavailable { status: 503 }),
            (None, _) => {}
        }
        let answer = self.deliver(request, fate, back);
        let Ok(answer) = timeout(TIMEOUT, answer).await else { return Err(broken()) };
        match (answer.unwrap_or_else(|_| Err(broken())), fate) {
            (_, Fate::Reset { .. }) => Err(broken()),
            (_, Fate::Trouble { .. }) => Err(HubError::Unavailable { status: 502 }),
            (Ok(reply), Fate::Truncated) => Ok(reply.cut()),
            (answer, _) => answer,
        }
    }

    /// Brings the request to the hub, whoever still waits for the answer.
    fn deliver(&self, request: Request, fate: Fate, back: Duration) -> oneshot::Receiver<Result<Reply, HubError>> {
        let (tell, told) = oneshot::channel();
        let network = self.clone();
        tokio::spawn(async move {
            if fate == Fate::Late {
                sleep(TIMEOUT + back * 1000).await;
            }
            let since = network.sky().restarts;
            let mut answer = network.hub().serve(&request);
            if fate == Fate::Twice {
                sleep(back).await;
                answer = network.hub().serve(&request);
            }
            sleep(back).await;
            let lost = network.sky().restarts != since;
            // Nobody may be there any more to hear it.
            let _heard = tell.send(if lost { Err(broken()) } else { answer });
        });
        told
    }
}

impl Sky {
    fn draw(&mut self) -> (Fate, Duration, Duration, Option<Duration>) {
        let (there, back) = (self.rng.u64(1..40), self.rng.u64(1..40));
        let (there, mut back) = (Duration::from_millis(there), Duration::from_millis(back));
        let mut jump = None;
        let mut fate = Fate::Well;
        if self.rng.u32(0..1000) < self.faults {
            let done = self.rng.bool();
            match self.rng.u32(0..20) {
                0..3 => fate = Fate::Throttled,
                3..6 => fate = Fate::Trouble { done },
                6..10 => fate = Fate::Reset { done },
                10..12 => fate = Fate::Truncated,
                12..14 => fate = Fate::Twice,
                14..16 => fate = Fate::Late,
                16 => back = Duration::from_secs(self.rng.u64(1..120)),
                17 => jump = Some(Duration::from_secs(self.rng.u64(60..7200))),
                18 => self.begin(Weather::Storm),
                _ => {
                    self.restarts += 1;
                    self.begin(Weather::Down);
                }
            }
        }
        (fate, there, back, jump)
    }

    fn begin(&mut self, weather: Weather) {
        self.weather = Some((weather, Instant::now() + Duration::from_secs(self.rng.u64(1..300))));
    }

    fn now(&self) -> Option<Weather> {
        self.weather.filter(|(_, until)| Instant::now() < *until).map(|(weather, _)| weather)
    }
}

impl Reply {
    fn cut(self) -> Self {
        let half = |text: &Bytes| text.slice(..text.len() / 2);
        match self {
            Self::Twin(text) => Self::Twin(text.as_ref().map(half)),
            Self::Page(text, next) => Self::Page(half(&text), next),
            Self::Done => Self::Done,
        }
    }
}
