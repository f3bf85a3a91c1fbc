//! Keeps a connection to the hub: makes it, leaves it for the next one before its token ends, and makes it again.
//!
//! What is under way when a token ends comes to its end first; what is asked meanwhile waits for the next connection.

use std::{
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};

use super::{
    Command, CredentialError, Event, Transport, credential,
    line::{GOODBYE, KEEP_ALIVE, Line, LineError, decline},
    way::{self, OpenError, Way},
    wire::{Login, Wire, WireError},
};
use crate::{
    agent::{
        config::MqttAddress,
        net::{Certificate, Proxies, Trust, chain},
        provision::{self, Registrar},
    },
    iothub::{ClientId, DeviceConnection, Username},
    task::{Backoff, Stop},
};

/// The API whose rules the agent follows.
const API_VERSION: &str = "2021-04-12";
/// Waits between connections.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(2));

/// A hub that refuses so often in a row may have given the device away.
const REFUSALS: u32 = 3;

/// Where and as whom to connect.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) connection: DeviceConnection,
    /// Where MQTT is to be had.
    pub(crate) mqtt: MqttAddress,
    /// The file of the authorities to trust, when they are not the system's.
    pub(crate) ca: Option<PathBuf>,
    /// What the device shows of itself, when that is no key.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) proxies: Proxies,
    pub(crate) transport: Transport,
    /// How long a token that we sign lasts.
    pub(crate) token_lifetime: Duration,
    /// Set for devices that play being out of reach.
    pub(crate) outages: Option<Outages>,
    /// Who knows where the device belongs when its hub knows it no more.
    pub(crate) registrar: Option<Arc<Registrar>>,
}

impl Settings {
    /// Defaults.
    pub(crate) fn new(connection: DeviceConnection, mqtt: MqttAddress) -> Self {
        Self {
            connection,
            mqtt,
            ca: None,
            certificate: None,
            proxies: Proxies::default(),
            transport: Transport::Auto,
            token_lifetime: credential::LIFETIME,
            outages: None,
            registrar: None,
        }
    }

    /// Whom to believe and what to show.
    pub(crate) fn trust(&self) -> Trust {
        Trust::new(self.ca.as_deref(), self.certificate.as_ref())
    }

    pub(super) fn login(&self, pass: &credential::Pass) -> Login {
        let connection = &self.connection;
        let client = ClientId { device: connection.device_id.clone(), module: connection.module_id.clone() };
        let client_id = client.to_string();
        let user = Username {
            host: connection.host.to_string(),
            client,
            api_version: Some(API_VERSION.to_owned()),
            model_id: None,
            client_type: Some(concat!("twinops/", env!("CARGO_PKG_VERSION")).to_owned()),
        };
        Login { client_id, username: user.to_string(), password: pass.token.clone(), keep_alive: KEEP_ALIVE }
    }
}

/// A device that is out of reach now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outages {
    /// How long it is connected at a time; zero for never.
    pub every: Duration,
    /// How long it is out of reach then.
    pub last: Duration,
}

/// The task that owns the connection.
pub(crate) struct Link {
    settings: Settings,
    trust: Trust,
    way: Way,
    commands_rx: mpsc::Receiver<Command>,
    events_tx: mpsc::Sender<Event>,
    /// Those who wait for a connection made after they asked.
    provers: Vec<oneshot::Sender<()>>,
    /// What was asked between two connections; `None` when there is no next one at once.
    held: Option<Vec<Command>>,
    backoff: Backoff,
    /// How often in a row the hub refused us, and when the provisioning service is asked next.
    refusals: u32,
    ask_at: Instant,
    asking: Backoff,
}

/// How the link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was asked to, or nobody listens any more.
    Stopped,
    /// The device belongs to another hub, or is another device.
    Moved,
}

/// How a connection ended.
enum End {
    /// We were asked to stop, or nobody listens any more.
    Stopped,
    /// The token is about to end.
    Renew,
    /// Someone wants to know that a connection can be made.
    Prove,
    /// The device plays being out of reach.
    Outage(Duration),
    /// It broke.
    Lost {
        why: String,
        /// The hub does not know us, or not by what we show.
        refused: bool,
    },
}

impl Link {
    pub(crate) fn new(
        settings: Settings,
        commands_rx: mpsc::Receiver<Command>,
        events_tx: mpsc::Sender<Event>,
    ) -> Self {
        let (trust, way) = (settings.trust(), Way::new(&settings));
        Self {
            settings,
            trust,
            way,
            commands_rx,
            events_tx,
            provers: Vec::new(),
            held: None,
            backoff: RETRY,
            refusals: 0,
            ask_at: Instant::now(),
            asking: provision::RETRY,
        }
    }

    /// Keeps a connection to the hub until asked to stop, or the device belongs elsewhere.
    pub(crate) async fn run(mut self, stop: Stop) -> Ended {
        loop {
            let end = self.connection(&stop).await;
            if matches!(end, End::Renew) {
                debug!("connecting anew with a fresh token");
                continue;
            }
            self.held.take().into_iter().flatten().for_each(decline);
            if self.events_tx.send(Event::Offline).await.is_err() {
                return Ended::Stopped;
            }
            let wait = match end {
                End::Stopped => return Ended::Stopped,
                End::Renew => continue,
                End::Prove => {
                    self.trust_anew();
                    continue;
                }
                End::Outage(lasting) => lasting,
                End::Lost { why, refused } => {
                    if refused && self.is_moved(&stop).await {
                        return Ended::Moved;
                    }
                    let wait = self.backoff.next_wait();
                    warn!(why, wait_seconds = wait.as_secs_f32(), "the hub is out of reach");
                    wait
                }
            };
            if !self.wait(wait, &stop).await {
                return Ended::Stopped;
            }
        }
    }

    /// Waits, and meanwhile says to everyone that there is no connection; false when it is time to stop.
    async fn wait(&mut self, wait: Duration, stop: &Stop) -> bool {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = stop.requested() => return false,
                () = sleep_until(until) => return true,
                command = self.commands_rx.recv() => match command {
                    Some(Command::Prove(answer)) => {
                        self.provers.push(answer);
                        self.trust_anew();
                        return true;
                    }
                    Some(command) => decline(command),
                    None => return false,
                }
            }
        }
    }

    /// Takes the authorities that the device has now. When there are none, whoever asked hears that at once.
    fn trust_anew(&mut self) {
        self.trust.forget();
        if let Err(fault) = self.trust.config() {
            warn!(why = chain(&fault), "the authorities on this device are of no use");
            self.provers.clear();
        }
    }

    /// Asks the provisioning service, if there is one and the hub has refused us for long enough, where the device
    /// belongs now; whether that is elsewhere.
    async fn is_moved(&mut self, stop: &Stop) -> bool {
        self.refusals += 1;
        let Some(registrar) = &self.settings.registrar else { return false };
        if self.refusals < REFUSALS || Instant::now() < self.ask_at {
            return false;
        }
        let said = stop.unless(registrar.register()).await;
        self.ask_at = Instant::now() + self.asking.next_wait();
        match said {
            Some(Ok(connection)) => connection != self.settings.connection,
            Some(Err(fault)) => {
                warn!(why = chain(&fault), "the device cannot be provisioned anew");
                false
            }
            None => false,
        }
    }

    async fn connection(&mut self, stop: &Stop) -> End {
        let pass = credential::pass(&self.settings.connection, SystemTime::now(), self.settings.token_lifetime);
        let pass = match pass {
            Ok(pass) => pass,
            Err(fault) => return lost(&fault),
        };
        if let Some(outages) = self.settings.outages.filter(|outages| outages.every.is_zero()) {
            return End::Outage(outages.last);
        }
        let renew = pass.renew_after.map(|after| Instant::now() + after);
        let mut line = match self.open(&pass, stop).await {
            Ok(line) => line,
            Err(end) => return end,
        };
        let end = self.follow(&mut line, renew, stop).await.unwrap_or_else(|fault| lost(&fault));
        if !matches!(end, End::Lost { .. }) {
            line.goodbye().await;
        }
        if matches!(end, End::Renew) {
            self.held.get_or_insert_default();
        }
        end
    }

    /// Connects; meanwhile everyone hears that there is no connection, unless the one before has just been left.
    async fn open(&mut self, pass: &credential::Pass, stop: &Stop) -> Result<Line, End> {
        let websocket = self.way.is_websocket();
        let mut open = pin!(connect(&self.settings, &mut self.trust, websocket, pass));
        let opened = loop {
            tokio::select! {
                opened = &mut open => break opened,
                () = stop.requested() => return Err(End::Stopped),
                command = self.commands_rx.recv(), if self.held.is_none() => match command {
                    Some(Command::Prove(answer)) => {
                        self.provers.push(answer);
                        return Err(End::Prove);
                    }
                    Some(command) => decline(command),
                    None => return Err(End::Stopped),
                }
            }
        };
        match &opened {
            Ok(_) => self.way.worked(),
            Err(ConnectError::Open(OpenError::Net(fault))) => self.way.failed(fault),
            Err(_) => {}
        }
        opened.map_err(|fault| match fault {
            ConnectError::Wire(WireError::NotAuthorized) => {
                End::Lost { why: WireError::NotAuthorized.to_string(), refused: true }
            }
            other => lost(&other),
        })
    }

    async fn follow(&mut self, line: &mut Line, renew: Option<Instant>, stop: &Stop) -> Result<End, LineError> {
        let outages = self.settings.outages;
        let outage = outages.map(|outages| Instant::now() + outages.every);
        loop {
            let (due, ping, leaving) = (line.due(), line.ping_at, line.leaving);
            tokio::select! {
                incoming = line.wire.next() => {
                    for event in line.incoming(incoming?).await? {
                        if !self.tell(event).await {
                            return Ok(End::Stopped);
                        }
                    }
                    if line.is_ready() && !line.is_closing() {
                        for command in self.held.take().into_iter().flatten() {
                            line.command(command).await?;
                        }
                    }
                }
                () = stop.requested() => return Ok(End::Stopped),
                () = at(renew), if leaving.is_none() => line.leave(),
                () = at(leaving) => {}
                () = at(outage) => {
                    return Ok(End::Outage(outages.map_or(Duration::ZERO, |outages| outages.last)));
                }
                () = at(due) => return Err(WireError::Silent.into()),
                () = sleep_until(ping) => line.ping().await?,
                command = self.commands_rx.recv() => match command {
                    Some(Command::Prove(answer)) => {
                        self.provers.push(answer);
                        return Ok(End::Prove);
                    }
                    Some(command) => self.command(line, command).await?,
                    None => return Ok(End::Stopped),
                }
            }
            if line.is_left() {
                return Ok(End::Renew);
            }
        }
    }

    async fn command(&mut self, line: &mut Line, command: Command) -> Result<(), LineError> {
        let is_answer = matches!(command, Command::Respond { .. });
        if line.is_closing() && !is_answer {
            self.held.get_or_insert_default().push(command);
        } else if line.is_ready() {
            line.command(command).await?;
        } else if let Some(held) = &mut self.held {
            held.push(command);
        } else {
            decline(command);
        }
        Ok(())
    }

    /// Tells the agent; false when it is gone.
    async fn tell(&mut self, event: Event) -> bool {
        let reached = matches!(event, Event::Twin { .. });
        if reached {
            info!(hub = %self.settings.connection.host, "connected");
            self.backoff.reset();
            self.refusals = 0;
            self.asking.reset();
        }
        if self.events_tx.send(event).await.is_err() {
            return false;
        }
        for prover in if reached { std::mem::take(&mut self.provers) } else { Vec::new() } {
            // Whoever asked may have stopped waiting.
            let _ = prover.send(());
        }
        true
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Wire(#[from] WireError),
}

async fn connect(
    settings: &Settings,
    trust: &mut Trust,
    websocket: bool,
    pass: &credential::Pass,
) -> Result<Line, ConnectError> {
    Ok(Line::begin(greet(settings, trust, websocket, pass).await?).await?)
}

async fn greet(
    settings: &Settings,
    trust: &mut Trust,
    websocket: bool,
    pass: &credential::Pass,
) -> Result<Wire, ConnectError> {
    let stream = way::open(settings, trust, websocket).await?;
    Ok(Wire::hello(stream, &settings.login(pass)).await?)
}

/// Connects once, to see whether that can be done, and says goodbye.
///
/// # Errors
/// When it cannot be done.
pub(crate) async fn probe(settings: &Settings, websocket: bool) -> Result<(), ConnectError> {
    let pass = credential::pass(&settings.connection, SystemTime::now(), settings.token_lifetime)?;
    let wire = greet(settings, &mut settings.trust(), websocket, &pass).await?;
    Ok(wire.goodbye(GOODBYE).await?)
}

fn lost(fault: &dyn std::error::Error) -> End {
    End::Lost { why: chain(fault), refused: false }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
