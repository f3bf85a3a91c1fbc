//! A plan from what was kept is the plan from the hub.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock},
};

use futures_util::{Stream, stream};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    fleet::{
        self, Source, SourceFile,
        resolve::{Resolver, Secrets},
    },
    plan::{Bases, Plan, Planner},
    query::Query,
    reconcile::{
        ports::{HubError, TwinRead, TwinText},
        survey,
    },
};

/// A hub that answers queries, and counts the rows of whole twins.
#[derive(Default)]
struct Hub {
    twins: BTreeMap<String, Value>,
    clock: u64,
    shown: Mutex<usize>,
}

impl TwinRead for Hub {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        Ok(self.twins.get(device.as_str()).map(|twin| TwinText(twin.to_string().into())))
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        let query = Query::parse(statement).unwrap();
        let twins = self.twins.values().filter(|twin| query.matches(*twin));
        let rows: Vec<Value> = if query.select_all() {
            twins.cloned().inspect(|_| *self.shown.lock().unwrap() += 1).collect()
        } else {
            twins.map(|twin| Value::Object(query.project(twin))).collect()
        };
        let page = |rows: &[Value]| Ok(Page::Array(format!("{:#}", Value::from(rows)).into()));
        stream::iter(rows.chunks(4).map(page).collect::<Vec<_>>())
    }
}

/// What happens between two plans.
#[derive(Debug, Clone)]
enum Step {
    Revision(usize),
    Desired(usize, Value),
    Tags(usize, Value),
    /// A device reports, which moves no etag.
    Agent(usize, bool),
    Model(usize, &'static str),
    /// A configuration writes one of our values.
    Rival(usize),
    /// Its etags begin again.
    Anew(usize),
    Gone(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0_usize..12;
    let level =
        prop_oneof![Just(json!(0)), Just(json!(1)), Just(json!("two\n\"lines\"")), Just(json!({ "deep": [1] }))];
    let tags = prop_oneof![Just(json!({ "role": "kiosk" })), Just(json!({ "role": "till" })), Just(json!({}))];
    prop_oneof![
        (0_usize..4).prop_map(Step::Revision),
        (device.clone(), level).prop_map(|(at, level)| Step::Desired(at, level)),
        (device.clone(), tags).prop_map(|(at, tags)| Step::Tags(at, tags)),
        (device.clone(), any::<bool>()).prop_map(|(at, there)| Step::Agent(at, there)),
        (device.clone(), prop::sample::select(vec!["", "dtmi:a;1"])).prop_map(|(at, model)| Step::Model(at, model)),
        device.clone().prop_map(Step::Rival),
        device.clone().prop_map(Step::Anew),
        device.prop_map(Step::Gone),
    ]
}

impl Hub {
    fn new() -> Self {
        let mut hub = Self::default();
        (0..10).for_each(|at| hub.take(&Step::Anew(at)));
        hub
    }

    fn take(&mut self, step: &Step) {
        self.clock += 1;
        let (Step::Desired(at, _)
        | Step::Tags(at, _)
        | Step::Agent(at, _)
        | Step::Model(at, _)
        | Step::Rival(at)
        | Step::Anew(at)
        | Step::Gone(at)) = step
        else {
            return;
        };
        let id = format!("d{at}");
        if let Step::Anew(_) = step {
            let properties = json!({ "desired": { "$version": 1, "$metadata": {} }, "reported": {} });
            let role = ["kiosk", "till"][at % 2];
            let tags = json!({ "role": role });
            let device_etag = format!("i{}", self.clock);
            let twin = json!({ "deviceId": id, "etag": "1", "deviceEtag": device_etag, "tags": tags, "properties": properties });
            self.twins.insert(id, twin);
            return;
        }
        let Some(twin) = self.twins.get_mut(&id) else { return };
        let properties = &mut twin["properties"];
        match step {
            Step::Desired(_, level) => properties["desired"]["app"] = json!({ "level": level }),
            Step::Rival(_) => {
                properties["desired"]["app"] = json!({ "level": "rival" });
                properties["desired"]["$metadata"] = json!({ "app": { "level": { "$lastUpdatedBy": "adm" } } });
                twin["configurations"] = json!({ "adm": { "status": "Applied" } });
            }
            Step::Tags(_, tags) => {
                let marker = twin["tags"].get("twinops").cloned();
                twin["tags"] = tags.clone();
                twin["tags"].as_object_mut().unwrap().extend(marker.map(|marker| ("twinops".to_owned(), marker)));
            }
            Step::Agent(_, there) => {
                properties["reported"] = if *there { json!({ "twinops": { "__t": "c" } }) } else { json!({}) };
            }
            Step::Model(_, model) => twin["modelId"] = json!(model),
            Step::Gone(_) => _ = self.twins.remove(&id),
            Step::Revision(_) | Step::Anew(_) => {}
        }
        if !matches!(step, Step::Agent(..) | Step::Model(..)) {
            self.moved(&id);
        }
    }

    fn moved(&mut self, id: &str) {
        let clock = self.clock;
        let Some(twin) = self.twins.get_mut(id) else { return };
        let counter: u64 = twin["etag"].as_str().unwrap().parse().unwrap();
        twin["etag"] = json!((counter + 1).to_string());
        twin["properties"]["desired"]["$version"] = json!(clock);
    }

    /// Writes some of a plan, as a run that was interrupted.
    fn carry_out(&mut self, plan: &Plan) {
        for group in &plan.groups {
            let patch: Value = serde_json::from_str(group.patch.get()).unwrap();
            for planned in group.devices.iter().step_by(2) {
                let Some(twin) = self.twins.get_mut(planned.device.as_str()) else { continue };
                for section in ["/tags", "/properties/desired"] {
                    let into = twin.pointer_mut(section).and_then(Value::as_object_mut).unwrap();
                    crate::twin::merge(into, patch.pointer(section).and_then(Value::as_object).unwrap_or(&Map::new()));
                }
                self.clock += 1;
                self.moved(planned.device.as_str());
            }
        }
    }
}

/// Revisions of a small fleet.
#[derive(Clone)]
struct History(Arc<HashMap<String, Arc<Resolver>>>);

impl Bases for History {
    fn base(&self, revision: &str) -> Option<Arc<Resolver>> {
        self.0.get(revision).cloned()
    }
}

fn resolver(at: usize) -> Arc<Resolver> {
    let role = if at < 2 { "tags.role = 'kiosk'" } else { "modelId = 'dtmi:a;1' OR tags.role = 'till'" };
    let text = format!(
        "apiVersion: twinops/v1\nkind: Fleet\nmetadata: {{ name: kept }}\n---\napiVersion: twinops/v1\n\
         kind: Profile\nmetadata: {{ name: a }}\nspec:\n  desired: {{ app: {{ level: {} }} }}\n---\n\
         apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: b }}\nspec:\n  where: \"{role}\"\n  priority: 1\n  \
         desired: {{ sign: {{ text: \"${{device.id}} {at}\" }} }}\n---\napiVersion: twinops/v1\nkind: Device\n\
         metadata: {{ name: d11 }}\nspec: {{ identity: {{ type: sas }}, tags: {{ role: kiosk }} }}\n",
        at % 3
    );
    let file = SourceFile { path: "fleet.yaml".into(), text: text.into_bytes().into() };
    let loaded = fleet::load(&Source::from_files([file]));
    assert!(loaded.is_sound(), "{:?}", loaded.findings);
    Arc::new(Resolver::new(loaded.fleet.unwrap(), loaded.registry, Secrets::none()))
}

impl History {
    /// Read once: every story has the same.
    fn read() -> Self {
        static ALL: OnceLock<History> = OnceLock::new();
        let all = || Self(Arc::new((0..4).map(|at| (at.to_string(), resolver(at))).collect()));
        ALL.get_or_init(all).clone()
    }

    fn planner(&self, at: usize) -> Arc<Planner> {
        let (name, today) = (at.to_string(), jiff::civil::date(2026, 1, 1));
        Arc::new(Planner::new(self.0[&name].clone(), &name, Box::new(self.clone()), today))
    }
}

async fn planned(pages: impl Stream<Item = Result<Page, HubError>>, planner: Arc<Planner>) -> Plan {
    survey::plan(pages, planner, &|_| true, survey::Rollouts::Ignored).await.unwrap().unwrap()
}

async fn cold(hub: &Hub, planner: Arc<Planner>) -> (Plan, TwinCache) {
    let (pages, keeping) = keeping(hub.twins("SELECT * FROM devices"));
    (planned(pages, planner).await, keeping.finish().await)
}

async fn warm(hub: &Hub, cache: &mut TwinCache, planner: Arc<Planner>) -> Plan {
    if cache.refresh(hub).await.unwrap() {
        return planned(stream::iter(cache.pages().map(Ok)), planner).await;
    }
    let (plan, read) = cold(hub, planner).await;
    *cache = read;
    plan
}

fn play<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(story)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_plan_from_what_was_kept_is_the_plan_from_the_hub(steps in prop::collection::vec(step(), 1..24)) {
        let history = History::read();
        play(async {
            let (mut hub, mut at) = (Hub::new(), 0);
            let (_, mut cache) = cold(&hub, history.planner(at)).await;
            for (number, step) in steps.iter().enumerate() {
                hub.take(step);
                if let Step::Revision(to) = step {
                    at = *to;
                }
                if number % 3 == 0 {
                    cache = TwinCache::read(&cache.write());
                }
                let kept = warm(&hub, &mut cache, history.planner(at)).await;
                let (read, _) = cold(&hub, history.planner(at)).await;
                assert_eq!(format!("{kept:#?}"), format!("{read:#?}"), "after {step:?}");
                if number % 4 == 0 {
                    hub.carry_out(&read);
                }
            }
        });
    }

    #[test]
    fn what_is_no_saved_cache_is_as_good_as_none(at in 0_usize..2000, byte in any::<u8>()) {
        let (_, cache) = play(async { cold(&Hub::new(), History::read().planner(0)).await });
        let mut bytes = cache.write();
        let at = at % bytes.len();
        bytes[at] = byte;
        // A byte in a value makes another value: that nobody changes one is the seal's to see to.
        prop_assert!(TwinCache::read(&bytes).len() <= cache.len());
        prop_assert!(TwinCache::read(&bytes[..at]).is_empty());
    }
}

#[test]
fn only_what_has_changed_is_read_again() {
    play(async {
        let (mut hub, history) = (Hub::new(), History::read());
        let (_, mut cache) = cold(&hub, history.planner(0)).await;
        *hub.shown.lock().unwrap() = 0;
        assert!(!warm(&hub, &mut cache, history.planner(1)).await.is_empty());
        assert_eq!(*hub.shown.lock().unwrap(), 0, "a new revision needs no twin");
        hub.take(&Step::Desired(3, json!(7)));
        warm(&hub, &mut cache, history.planner(1)).await;
        assert_eq!((*hub.shown.lock().unwrap(), cache.len()), (1, 10));
    });
}

#[test]
fn when_most_have_changed_all_are_read() {
    play(async {
        let mut hub = Hub::new();
        let twin = hub.twins["d1"].clone();
        for at in 0..3000 {
            let id = format!("e{at}");
            let mut twin = twin.clone();
            twin["deviceId"] = json!(id);
            hub.twins.insert(id, twin);
        }
        assert!(!TwinCache::default().refresh(&hub).await.unwrap());
    });
}
