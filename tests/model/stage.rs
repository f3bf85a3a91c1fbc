//! A real hub with its clients, and what is seen of it.

use std::{collections::BTreeMap, mem};

use reqwest::Method;
use rumqttc::{ConnectReturnCode, ConnectionError, Event, Incoming};
use serde_json::{Value, json};
use tokio::time::timeout;
use twinops::{hub::Config, iothub::Key};

use crate::{
    effects::{Effects, Name},
    link::hear,
    model::device_of,
    operation::{Match, Operation},
    twin::{check_metadata, known},
    world::{Answer, Device, PATIENCE, World},
};

/// An etag that nothing here ever has.
const WRONG: &str = "\"AAAAAAAP////\"";

pub(crate) struct Stage {
    world: World,
    links: BTreeMap<Name, Device>,
    /// Of identities, as their last PUT was answered.
    keys: BTreeMap<Name, Key>,
    etags: BTreeMap<Name, String>,
    /// As they were last read.
    twins: BTreeMap<Name, Value>,
}

/// The keys that operators choose.
fn chosen_keys() -> Value {
    let key = |byte| Key::from_bytes(&[byte; 32]).unwrap().reveal().to_owned();
    json!({ "type": "sas", "symmetricKey": { "primaryKey": key(1), "secondaryKey": key(2) } })
}

/// `/devices/d1/modules/m1` for `d1/m1`.
fn path(root: &str, name: Name) -> String {
    format!("/{root}/{}", name.replace('/', "/modules/"))
}

async fn open(folder: tempfile::TempDir) -> World {
    let config = Config::local(folder.path().join("state"));
    World::open(folder, config).await
}

fn error(answer: &Answer) -> Option<String> {
    let name = || answer.header("iothub-errorcode").unwrap_or_default().to_owned();
    (!answer.status.is_success()).then(name)
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let world = open(tempfile::tempdir().unwrap()).await;
        let (links, keys, etags, twins) = Default::default();
        Self { world, links, keys, etags, twins }
    }

    pub(crate) async fn end(self) {
        drop(self.links);
        self.world.end().await;
    }

    /// Does it, and waits until everybody has heard what there is to hear.
    pub(crate) async fn perform(&mut self, operation: &Operation) -> Effects {
        let mut effects = Effects::default();
        match operation {
            Operation::Put { name, if_match, disabled, new_keys } => {
                effects.error = self.put(name, *if_match, *disabled, *new_keys).await;
            }
            Operation::Delete { name, if_match } => {
                let edition = Self::edition(*if_match, self.etags.get(name));
                effects.error =
                    error(&self.ask(Method::DELETE, &path("devices", name), edition.as_deref(), Value::Null).await);
            }
            Operation::Write { name, replaces, tags, desired, if_match } => {
                let edition = Self::edition(*if_match, self.twin_etag(name).as_ref());
                let method = if *replaces { Method::PUT } else { Method::PATCH };
                let body = Operation::body(tags.as_ref(), desired.as_ref());
                effects.error = error(&self.ask(method, &path("twins", name), edition.as_deref(), body).await);
            }
            Operation::Connect { name, clean, wrong_key, filters } => {
                (effects.error, effects.is_resumed) = self.connect(name, *clean, *wrong_key, filters).await;
            }
            Operation::Subscribe { name, filter } => {
                if let Some(device) = self.links.get_mut(name) {
                    device.subscribe(filter).await;
                }
            }
            Operation::Unsubscribe { name, filter } => {
                if let Some(device) = self.links.get_mut(name) {
                    device.unsubscribe(filter).await;
                }
            }
            Operation::Disconnect { name, politely } => {
                if let Some(device) = self.links.remove(name)
                    && *politely
                {
                    device.disconnect().await;
                }
            }
            Operation::Report { name, patch, version } => {
                let topic =
                    format!("$iothub/twin/PATCH/properties/reported/?$rid=r{}", self.expectation(name, *version));
                self.request(name, &topic, &patch.to_string(), &mut effects).await;
            }
            Operation::Get { name } => self.request(name, "$iothub/twin/GET/?$rid=r", " ", &mut effects).await,
            Operation::Query { modules, condition } => {
                let source = if *modules { "devices.modules" } else { "devices" };
                let body = json!({ "query": format!("SELECT * FROM {source} WHERE {condition}") });
                let answer = self.ask(Method::POST, "/devices/query", None, body).await;
                effects.error = error(&answer);
                effects.rows = answer.body.as_array().into_iter().flatten().cloned().map(known).collect();
            }
            Operation::Restart => unreachable!("see `restarted`"),
        }
        self.listen(&mut effects).await;
        effects
    }

    async fn ask(&self, method: Method, path: &str, edition: Option<&str>, body: Value) -> Answer {
        let headers: Vec<_> = edition.into_iter().map(|edition| ("if-match", edition)).collect();
        self.world.ask(method, path, &headers, body).await
    }

    /// `If-Match` for an edition of something whose etag is `current`.
    fn edition(if_match: Match, current: Option<&String>) -> Option<String> {
        match if_match {
            Match::Absent => None,
            Match::Any => Some("*".to_owned()),
            Match::Right => Some(current.map_or_else(|| WRONG.to_owned(), |etag| format!("\"{etag}\""))),
            Match::Wrong => Some(WRONG.to_owned()),
        }
    }

    fn twin_etag(&self, name: Name) -> Option<String> {
        Some(self.twins.get(name)?["etag"].as_str().unwrap().to_owned())
    }

    /// What a report says of the version that it is for.
    fn expectation(&self, name: Name, version: Match) -> String {
        let current = self.twins.get(name).and_then(|twin| twin["properties"]["reported"]["$version"].as_u64());
        match (version, current) {
            (Match::Right, Some(current)) => format!("&$version={current}"),
            (Match::Wrong, Some(current)) => format!("&$version={}", current + 1),
            _ => String::new(),
        }
    }

    async fn put(&mut self, name: Name, if_match: Match, disabled: bool, new_keys: bool) -> Option<String> {
        let edition = Self::edition(if_match, self.etags.get(name));
        let mut body = json!({ "deviceId": device_of(name) });
        if !new_keys {
            body["authentication"] = chosen_keys();
        }
        match name.split_once('/') {
            Some((_, module)) => body["moduleId"] = module.into(),
            None => body["status"] = if disabled { "disabled" } else { "enabled" }.into(),
        }
        let answer = self.ask(Method::PUT, &path("devices", name), edition.as_deref(), body).await;
        if answer.status.is_success() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let key = text(&answer.body["authentication"]["symmetricKey"]["primaryKey"]);
            self.keys.insert(name, Key::parse(&key).unwrap());
            let before = self.etags.insert(name, text(&answer.body["etag"]));
            assert_ne!(before.as_ref(), self.etags.get(name), "a write of an identity moves its etag");
        }
        error(&answer)
    }

    /// Why it is refused, or whether the session goes on.
    async fn connect(&mut self, name: Name, clean: bool, wrong: bool, filters: &[Name]) -> (Option<String>, bool) {
        let other = Key::from_bytes(&[9; 32]).unwrap();
        let key = self.keys.get(name).filter(|_| !wrong).unwrap_or(&other);
        let mut options = self.world.options(name, key);
        options.set_clean_session(clean);
        let mut device = Device::new(options);
        let is_resumed = match device.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(accepted))) => accepted.session_present,
            Err(ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized)) => {
                return (Some("NotAuthorized".to_owned()), false);
            }
            other => return (Some(format!("{other:?}")), false),
        };
        if let Some(mut older) = self.links.remove(name) {
            older.rest().await;
        }
        for filter in filters {
            device.subscribe(filter).await;
        }
        self.links.insert(name, device);
        (None, is_resumed)
    }

    /// Publishes, and keeps what comes until that is acknowledged.
    async fn request(&mut self, name: Name, topic: &str, body: &str, effects: &mut Effects) {
        let Some(device) = self.links.get_mut(name) else { return };
        device.publish(topic, body).await;
        if let Ok(told) = device.until_acknowledged().await {
            hear(effects, name, &told);
        }
    }

    /// Everything that was sent to devices up to now: the hub answers telemetry after what was there before it.
    async fn listen(&mut self, effects: &mut Effects) {
        for (name, mut device) in mem::take(&mut self.links) {
            device.publish(&format!("{}/messages/events/", &path("devices", name)[1..]), "{}").await;
            match device.until_acknowledged().await {
                Ok(told) => {
                    hear(effects, name, &told);
                    self.links.insert(name, device);
                }
                Err(_) => {
                    effects.closed.insert(name);
                }
            }
        }
    }

    /// The same clients before a hub that ended and started again in its state folder.
    pub(crate) async fn restarted(mut self) -> (Self, Effects) {
        self.world = open(self.world.end().await).await;
        let mut effects = Effects::default();
        for (name, mut device) in mem::take(&mut self.links) {
            device.rest().await;
            effects.closed.insert(name);
        }
        (self, effects)
    }

    /// Reads twins, and waits for those of which `settled` does not hold yet. What is foreseen of them.
    pub(crate) async fn twins(
        &mut self,
        names: &[Name],
        settled: impl Fn(Name, &Value) -> bool,
    ) -> BTreeMap<Name, Value> {
        let mut all = BTreeMap::new();
        for &name in names {
            let reading = async {
                loop {
                    let answer = self.world.ask(Method::GET, &path("twins", name), &[], Value::Null).await;
                    let twin = answer.status.is_success().then_some(answer.body);
                    if twin.as_ref().is_none_or(|twin| settled(name, twin)) {
                        return twin;
                    }
                }
            };
            let twin = timeout(PATIENCE, reading).await.expect("links are known to be there or not in time");
            let Some(twin) = twin else {
                self.twins.remove(name);
                continue;
            };
            self.check(name, &twin);
            all.insert(name, known(twin.clone()));
            self.twins.insert(name, twin);
        }
        all
    }

    /// What holds of every twin.
    fn check(&self, name: Name, twin: &Value) {
        assert_eq!(
            twin["deviceEtag"].as_str(),
            self.etags.get(name).map(String::as_str),
            "etag of the identity of {name}"
        );
        check_metadata(twin);
    }
}
