//! The MQTT connection: the one file that knows the client library.
//!
//! Rules of that library kept here: its `poll` must not be dropped halfway, nothing is requested before every SUBACK
//! is there, its packet limit is too small for a twin, and a new token means a new connection.

use std::{
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event as Mqtt, EventLoop, MqttOptions, NetworkOptions, Outgoing,
    Packet, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info, warn};

use super::{
    ANSWER, Command, Event, QUEUE, ReportError, credential,
    session::{Action, Session},
    tls,
};
use crate::{
    iothub::{ClientId, DeviceConnection, Filter, Username},
    task::{Backoff, Stop},
};

/// The API whose rules the agent follows.
const API_VERSION: &str = "2021-04-12";
/// The longest silence of either side, in seconds.
const KEEP_ALIVE: Duration = Duration::from_mins(3);
/// Largest packet: a twin of 64 KB, its JSON and its escapes.
const PACKET: usize = 512 * 1024;
/// How long a connection may take to come about, in seconds.
const CONNECT_SECONDS: u64 = 30;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// What the agent listens to.
const FILTERS: [Filter; 3] = [Filter::TwinResponses, Filter::DesiredPatches, Filter::Methods];
/// Waits between connections.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(2));

/// Where and as whom to connect.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) connection: DeviceConnection,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    /// The file of the authorities that `tls` trusts, when it is not the system's.
    pub(crate) ca: Option<PathBuf>,
    /// Set for devices that play being out of reach.
    pub(crate) outages: Option<Outages>,
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
    commands_rx: mpsc::Receiver<Command>,
    events_tx: mpsc::Sender<Event>,
    /// Those who wait for a connection made after they asked.
    provers: Vec<oneshot::Sender<()>>,
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
    Lost { why: String },
}

impl Link {
    pub(crate) fn new(
        settings: Settings,
        commands_rx: mpsc::Receiver<Command>,
        events_tx: mpsc::Sender<Event>,
    ) -> Self {
        Self { settings, commands_rx, events_tx, provers: Vec::new() }
    }

    /// Keeps a connection to the hub until asked to stop.
    pub(crate) async fn run(mut self, stop: Stop) {
        let mut backoff = RETRY;
        loop {
            let end = self.connection(&stop, &mut backoff).await;
            if self.events_tx.send(Event::Offline).await.is_err() {
                return;
            }
            match end {
                End::Stopped => return,
                End::Renew => debug!("connecting anew with a fresh token"),
                End::Prove => self.trust_anew(),
                End::Outage(lasting) => {
                    if !self.wait(lasting, &stop).await {
                        return;
                    }
                }
                End::Lost { why } => {
                    let wait = backoff.next_wait();
                    warn!(why, wait_seconds = wait.as_secs_f32(), "the hub is out of reach");
                    if !self.wait(wait, &stop).await {
                        return;
                    }
                }
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
        match tls::config(self.settings.ca.as_deref()) {
            Ok(tls) => self.settings.tls = tls,
            Err(fault) => {
                warn!(%fault, "the authorities on this device are of no use");
                self.provers.clear();
            }
        }
    }

    async fn connection(&mut self, stop: &Stop, backoff: &mut Backoff) -> End {
        let pass = match credential::pass(&self.settings.connection, SystemTime::now()) {
            Ok(pass) => pass,
            Err(fault) => return End::Lost { why: fault.to_string() },
        };
        if let Some(outages) = self.settings.outages.filter(|outages| outages.every.is_zero()) {
            return End::Outage(outages.last);
        }
        let renew = pass.renew_after.map(|after| Instant::now() + after);
        let (client, mut events) = AsyncClient::new(self.options(pass.token.reveal()), QUEUE * 2);
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(CONNECT_SECONDS).set_tcp_nodelay(true);
        events.set_network_options(network);
        let mut wire = Wire { client, session: Session::new(), subscribed: 0, deadline: Instant::now() + ANSWER };
        let end = self.follow(&mut wire, &mut events, renew, stop, backoff).await;
        if matches!(end, End::Stopped | End::Renew | End::Prove | End::Outage(_)) {
            goodbye(&wire.client, &mut events).await;
        }
        end
    }

    async fn follow(
        &mut self,
        wire: &mut Wire,
        events: &mut EventLoop,
        renew: Option<Instant>,
        stop: &Stop,
        backoff: &mut Backoff,
    ) -> End {
        let outage = self.settings.outages.map(|outages| Instant::now() + outages.every);
        loop {
            // Dropping a poll halfway would lose bytes: everything else happens around it.
            let mut poll = pin!(events.poll());
            let event = loop {
                tokio::select! {
                    event = &mut poll => break event,
                    () = stop.requested() => return End::Stopped,
                    () = at(renew) => return End::Renew,
                    () = at(outage) => {
                        return End::Outage(self.settings.outages.map_or(Duration::ZERO, |outages| outages.last));
                    }
                    () = sleep_until(wire.deadline), if wire.is_waiting() => {
                        return End::Lost { why: "the hub does not answer".to_owned() };
                    }
                    command = self.commands_rx.recv() => match command {
                        Some(Command::Prove(answer)) => {
                            self.provers.push(answer);
                            return End::Prove;
                        }
                        Some(command) => wire.command(command),
                        None => return End::Stopped,
                    }
                }
            };
            let actions = match event {
                Ok(Mqtt::Incoming(packet)) => wire.packet(packet),
                Ok(Mqtt::Outgoing(_)) => continue,
                Err(fault) => return End::Lost { why: explain(&fault) },
            };
            for action in actions {
                if matches!(action, Action::Tell(Event::Twin { .. })) {
                    info!(hub = %self.settings.connection.host, "connected");
                    backoff.reset();
                }
                match wire.act(action) {
                    Ok(None) => {}
                    Ok(Some(event)) => {
                        let reached = matches!(event, Event::Twin { .. });
                        if self.events_tx.send(event).await.is_err() {
                            return End::Stopped;
                        }
                        for prover in if reached { std::mem::take(&mut self.provers) } else { Vec::new() } {
                            // Whoever asked may have stopped waiting.
                            let _ = prover.send(());
                        }
                    }
                    Err(why) => return End::Lost { why },
                }
            }
        }
    }

    fn options(&self, token: &str) -> MqttOptions {
        let Settings { connection, host, port, tls, ca: _, outages: _ } = &self.settings;
        let client = ClientId { device: connection.device_id.clone(), module: connection.module_id.clone() };
        let client_id = client.to_string();
        let user = Username {
            host: connection.host.to_string(),
            client,
            api_version: Some(API_VERSION.to_owned()),
            model_id: None,
            client_type: Some(concat!("twinops/", env!("CARGO_PKG_VERSION")).to_owned()),
        };
        let mut options = MqttOptions::new(client_id, host, *port);
        options
            .set_credentials(user.to_string(), token)
            .set_keep_alive(KEEP_ALIVE)
            // The twin is asked for after every connection, so that a kept session would only repeat old news.
            .set_clean_session(true)
            .set_max_packet_size(PACKET, PACKET)
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(tls))));
        options
    }
}

/// One connection: the library's client and what the session remembers.
struct Wire {
    client: AsyncClient,
    session: Session,
    subscribed: usize,
    /// When the answer that is waited for counts as lost.
    deadline: Instant,
}

impl Wire {
    fn is_ready(&self) -> bool {
        self.subscribed == FILTERS.len()
    }

    fn is_waiting(&self) -> bool {
        !self.is_ready() || self.session.is_asking()
    }

    fn command(&mut self, command: Command) {
        if !self.is_ready() {
            return decline(command);
        }
        let was_asking = self.session.is_asking();
        if let Some(action) = self.session.command(command) {
            if self.session.is_asking() && !was_asking {
                self.deadline = Instant::now() + ANSWER;
            }
            // A queue that is full loses the request; whoever made it hears that nobody answered.
            if let Err(why) = self.act(action) {
                debug!(why, "a request is lost");
            }
        }
    }

    fn packet(&mut self, packet: Packet) -> Vec<Action> {
        match packet {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => self.subscribe(),
            Packet::SubAck(ack) if ack.return_codes.contains(&SubscribeReasonCode::Failure) => {
                vec![Action::Give { why: "the hub does not let the device subscribe".to_owned() }]
            }
            Packet::SubAck(_) => {
                self.subscribed += 1;
                if self.is_ready() { self.asking(|session| vec![session.ask()]) } else { Vec::new() }
            }
            Packet::Publish(message) => self.asking(|session| session.packet(&message.topic, &message.payload)),
            _ => Vec::new(),
        }
    }

    fn subscribe(&mut self) -> Vec<Action> {
        self.deadline = Instant::now() + ANSWER;
        let lost =
            FILTERS.into_iter().any(|filter| self.client.try_subscribe(filter.to_string(), QoS::AtLeastOnce).is_err());
        if lost { vec![Action::Give { why: "cannot subscribe".to_owned() }] } else { Vec::new() }
    }

    /// Lets the session work; whenever it asks for the twin, the hub's time to answer begins.
    fn asking(&mut self, work: impl FnOnce(&mut Session) -> Vec<Action>) -> Vec<Action> {
        let was_asking = self.session.is_asking();
        let actions = work(&mut self.session);
        if self.session.is_asking() && !was_asking {
            self.deadline = Instant::now() + ANSWER;
        }
        actions
    }

    /// Does what is to be done on the wire; what is to be told is handed back.
    fn act(&self, action: Action) -> Result<Option<Event>, String> {
        match action {
            Action::Publish { topic, payload } => self
                .client
                .try_publish(topic.to_string(), QoS::AtMostOnce, false, payload)
                .map(|()| None)
                .map_err(|_| "too many requests wait".to_owned()),
            Action::Tell(event) => Ok(Some(event)),
            Action::Give { why } => Err(why),
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn decline(command: Command) {
    if let Command::Report(_, answer) = command {
        // Whoever asked may have stopped waiting.
        let _ = answer.send(Err(ReportError::Offline));
    }
}

/// Says goodbye, so that the hub does not have to find out.
async fn goodbye(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_err() {
        return;
    }
    let gone = async {
        loop {
            if matches!(events.poll().await, Ok(Mqtt::Outgoing(Outgoing::Disconnect)) | Err(_)) {
                return;
            }
        }
    };
    if timeout(GOODBYE, gone).await.is_err() {
        debug!("the goodbye did not get through");
    }
}

fn explain(fault: &ConnectionError) -> String {
    match fault {
        ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized) => {
            "the hub refuses this device: unknown or disabled, a wrong key, or a clock that is wrong".to_owned()
        }
        ConnectionError::ConnectionRefused(code) => format!("the hub refuses the connection: {code:?}"),
        other => other.to_string(),
    }
}
