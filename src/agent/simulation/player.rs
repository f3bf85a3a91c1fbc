//! One device from its first connection to its last.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rumqttc::Connect;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Crowd, Length, Tally,
    device::Device,
    link::{End, KEEP_ALIVE, Link},
    part::Part,
    tally::Standing,
    wire::Wire,
};
use crate::{
    iothub::{Audience, ClientId, Key, Scope, Username, sign},
    task::{Backoff, Stop},
    twin::DeviceId,
};

/// The API whose rules the agent follows.
const API_VERSION: &str = "2021-04-12";
/// How long a token lasts.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long before its end a connection moves to the next one; twice as long at most.
const MARGIN: Duration = Duration::from_mins(5);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(30);

/// A device.
pub(super) struct Player {
    crowd: Arc<Crowd>,
    id: DeviceId,
    key: Key,
    part: Part,
    device: Device,
    standing: Standing,
}

impl Player {
    pub(super) fn new(crowd: Arc<Crowd>, id: DeviceId, key: Key, part: Part) -> Self {
        let standing = if part.offline { Standing::Away } else { Standing::Out };
        crowd.tally.enter(standing);
        Self { crowd, id, key, part, device: Device::new(part), standing }
    }

    /// Plays until asked to stop.
    pub(super) async fn run(mut self, stop: Stop) {
        if self.part.offline {
            return;
        }
        let mut backoff = self.crowd.profile.reconnect.backoff();
        let mut wait = self.crowd.profile.connect.within.0.mul_f64(fastrand::f64());
        while stop.unless(sleep(wait)).await.is_some() {
            self.stand(Standing::Out);
            let end = self.connection(&mut backoff, &stop).await;
            self.stand(Standing::Out);
            wait = match end {
                End::Stopped => return,
                End::Over => self.away(),
                End::Lost(why) => {
                    Tally::count(&self.crowd.tally.lost);
                    self.crowd.tally.trouble(&why);
                    backoff.next_wait()
                }
            };
        }
    }

    /// How long the device is away after its time was over: not at all, if only its token was.
    fn away(&mut self) -> Duration {
        match &self.crowd.profile.flapping {
            Some(flapping) if self.part.flaps => {
                let away = flapping.away.about();
                self.stand(Standing::Away);
                away
            }
            _ => Duration::ZERO,
        }
    }

    async fn connection(&mut self, backoff: &mut Backoff, stop: &Stop) -> End {
        let opened = stop.unless(Box::pin(open(&self.crowd, &self.id, &self.key))).await;
        let wire = match opened {
            None => return End::Stopped,
            Some(Err(end)) => return end,
            Some(Ok(wire)) => wire,
        };
        Tally::count(&self.crowd.tally.connects);
        self.stand(Standing::Working);
        let token = LIFETIME.saturating_sub(MARGIN.mul_f64(1.0 + fastrand::f64()));
        let flapping = self.crowd.profile.flapping.as_ref().filter(|_| self.part.flaps);
        let lasts = flapping.map_or(token, |flapping| flapping.connected.about().min(token));
        let crowd = Arc::clone(&self.crowd);
        let link =
            Link::new(&crowd, self.id.as_str(), (&mut self.device, &mut self.standing), apply(&crowd, self.part), wire);
        link.follow(Instant::now() + lasts, backoff, stop).await
    }

    fn stand(&mut self, standing: Standing) {
        self.crowd.tally.turn(self.standing, standing);
        self.standing = standing;
    }
}

fn apply(crowd: &Crowd, part: Part) -> Length {
    let slow = crowd.profile.slow.as_ref().filter(|_| part.slow);
    slow.map_or(crowd.profile.apply, |slow| slow.apply)
}

/// Opens a link once it is this device's turn.
async fn open(crowd: &Crowd, id: &DeviceId, key: &Key) -> Result<Wire, End> {
    let Ok(_door) = crowd.doors.acquire().await else { return Err(End::Stopped) };
    match timeout(CONNECT, Wire::open(crowd, connect(crowd, id, key))).await {
        Ok(opened) => opened.map_err(End::from),
        Err(_) => Err(End::Lost("the hub does not let the device in in time".to_owned())),
    }
}

/// How a device introduces itself (protocol reference 11.1), with a token of its own (1.3).
fn connect(crowd: &Crowd, id: &DeviceId, key: &Key) -> Connect {
    let host = crowd.hub.to_string();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let audience = Audience { host: host.clone(), scope: Scope::Device(id.as_str().to_owned()) };
    let token = sign(&audience.to_string(), key, (since + LIFETIME).as_secs(), None);
    let user = Username {
        host,
        client: ClientId { device: id.as_str().to_owned(), module: None },
        api_version: Some(API_VERSION.to_owned()),
        model_id: None,
        client_type: Some(concat!("twinops-simulation/", env!("CARGO_PKG_VERSION")).to_owned()),
    };
    let mut connect = Connect::new(id.as_str());
    connect.keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
    connect.set_login(user.to_string(), token);
    connect
}
