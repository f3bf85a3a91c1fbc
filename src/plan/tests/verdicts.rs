//! The table of verdicts in `docs/verdicts.md`, line by line, held against the planner on any twin.

use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;

use super::*;
use crate::{
    plan::diff::Change,
    twin::{PropertyPath, Section},
};

/// What a commit says of one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Says {
    Nothing,
    Never,
    Is(u64),
}

/// What the device reports of it, or of something else.
#[derive(Debug, Clone, PartialEq)]
enum Reported {
    Nothing,
    Other,
    Bare(u64),
    Ack { value: u64, code: i64, version: u64 },
}

/// One property of one device. Times are seconds; `asked` is when, and in which version, the twin's value was written.
#[derive(Debug, Clone)]
struct World {
    pnp: bool,
    wanted: Says,
    /// `None`: the twin has no marker.
    base: Option<Says>,
    live: Option<u64>,
    asked: u64,
    /// A configuration wrote it, and perhaps still applies.
    configuration: Option<bool>,
    returned: u32,
    connected: bool,
    reported: Reported,
    said: u64,
}

/// Making one takes longer than asking it.
static PLANNERS: LazyLock<Mutex<Planners>> = LazyLock::new(Mutex::default);

/// By convention, base and what is wanted.
type Planners = HashMap<(bool, Says, Says), Planner>;

fn world() -> impl Strategy<Value = World> {
    let says = || prop_oneof![Just(Says::Nothing), Just(Says::Never), (0_u64..3).prop_map(Says::Is)];
    let code = prop::sample::select(vec![200, 201, 202, 203, 204, 400, 404, 424, 499, 500, 501, 503]);
    let ack = (0_u64..3, code, 3_u64..6).prop_map(|(value, code, version)| Reported::Ack { value, code, version });
    let reported =
        prop_oneof![Just(Reported::Nothing), Just(Reported::Other), (0_u64..3).prop_map(Reported::Bare), ack];
    let hub = (says(), prop::option::of(says()), prop::option::of(0_u64..3), 3_u64..6);
    let rivals = (prop::option::weighted(0.2, any::<bool>()), 0_u32..4);
    let device = (any::<bool>(), any::<bool>(), reported, 3_u64..6);
    (hub, rivals, device).prop_map(|(hub, rivals, (pnp, connected, reported, said))| {
        let ((wanted, base, live, asked), (configuration, returned)) = (hub, rivals);
        World { pnp, wanted, base, live, asked, configuration, returned, connected, reported, said }
    })
}

fn time(second: u64) -> String {
    format!("2026-01-02T00:00:0{second}Z")
}

impl World {
    fn fleet(&self, says: Says) -> Fleet {
        // The component stays whatever becomes of the property.
        let mut component = if self.pnp { json!({ "__t": "c" }) } else { json!({ "stays": 1 }) };
        match says {
            Says::Nothing => {}
            Says::Never => component["level"] = Value::Null,
            Says::Is(value) => component["level"] = json!(value),
        }
        fleet(vec![profile("base", None, 0, json!({ "pump": component }))])
    }

    fn wire(&self) -> Value {
        let (asked, said) = (time(self.asked), time(self.said));
        let mut pump = if self.pnp { json!({ "__t": "c" }) } else { json!({ "stays": 1 }) };
        let mut metadata = json!({ "$lastUpdated": asked, "$lastUpdatedVersion": self.asked });
        if let Some(live) = self.live {
            pump["level"] = json!(live);
            metadata["level"] = metadata.clone();
        }
        if self.configuration.is_some() && self.live.is_some() {
            metadata["level"]["$lastUpdatedBy"] = json!("adm");
        }
        let applied =
            if self.configuration == Some(true) { json!({ "adm": { "status": "Applied" } }) } else { json!({}) };
        let mut tags = json!({});
        if self.base.is_some() {
            let change = Change { keys: keys(), from: None, to: self.to(), why: Why::Pending };
            let returned = json!({ rival::key(Section::Desired, &change): self.returned });
            let marker = json!({ "revision": "base", "sources": ["Profile/base"], "returned": returned });
            tags = json!({ "twinops": { "test": marker } });
        }
        let mut reported = json!({ "$metadata": { "$lastUpdated": said } });
        let of_level = json!({ "$lastUpdated": said, "level": { "$lastUpdated": said } });
        match self.reported {
            Reported::Nothing => reported = json!({}),
            Reported::Other => reported["other"] = json!(1),
            Reported::Bare(value) => {
                reported["pump"] = json!({ "level": value });
                reported["$metadata"]["pump"] = of_level;
            }
            Reported::Ack { value, code, version } => {
                reported["pump"] = json!({ "level": { "value": value, "ac": code, "av": version } });
                reported["$metadata"]["pump"] = of_level;
            }
        }
        let section = json!({ "pump": pump, "$metadata": { "$lastUpdated": asked, "pump": metadata } });
        json!({
            "deviceId": "d1",
            "etag": "e",
            "connectionState": if self.connected { "Connected" } else { "Disconnected" },
            "configurations": applied,
            "tags": tags,
            "properties": { "desired": section, "reported": reported },
        })
    }

    fn to(&self) -> Option<Value> {
        if let Says::Is(value) = self.wanted { Some(json!(value)) } else { None }
    }

    fn implementation(&self) -> Option<Verdict> {
        let base = self.base.unwrap_or(Says::Nothing);
        let mut planners = PLANNERS.lock().unwrap();
        let planner = planners
            .entry((self.pnp, base, self.wanted))
            .or_insert_with(|| planner("next", vec![("base", self.fleet(base)), ("next", self.fleet(self.wanted))]));
        let text = self.wire().to_string();
        let device = planner.verdict(&TwinRow::parse(&text).unwrap()).unwrap().unwrap();
        let path = PropertyPath { section: Section::Desired, keys: keys() };
        let found = device.properties.iter().find(|property| property.path == path);
        found.map(|property| property.verdict)
    }

    /// By the table; `None` for compliant, and where there is nothing to have a verdict.
    fn definition(&self) -> Option<Verdict> {
        let base = self.base.unwrap_or(Says::Nothing);
        let is_live = |says| match says {
            Says::Nothing => false,
            Says::Never => self.live.is_none(),
            Says::Is(value) => self.live == Some(value),
        };
        let changes = match self.wanted {
            Says::Nothing => matches!(base, Says::Is(_)) && self.live.is_some(),
            wanted => !is_live(wanted),
        };
        if changes {
            let edited = self.wanted != Says::Nothing && base != Says::Nothing && !is_live(base);
            let contested = (self.configuration == Some(true) && self.live.is_some())
                || (edited && self.base.is_some() && self.returned >= 2);
            let verdict = if contested { Verdict::Contested } else { Verdict::Pending };
            return Some(if edited && !contested { Verdict::Edited } else { verdict });
        }
        let Says::Is(wanted) = self.wanted else { return None };
        Some(if self.pnp { self.by_pnp(wanted) } else { self.by_echo(wanted) }).filter(|v| *v != Verdict::Compliant)
    }

    fn waiting(&self) -> Verdict {
        if self.connected { Verdict::Pending } else { Verdict::Unreachable }
    }

    fn by_pnp(&self, wanted: u64) -> Verdict {
        match self.reported {
            Reported::Bare(value) if value == wanted => Verdict::Compliant,
            Reported::Ack { code, version, .. } if code == 203 || version < self.asked => self.waiting(),
            Reported::Ack { code: 202, .. } => Verdict::InProgress,
            Reported::Ack { code: 200..300, value, .. } if value == wanted => Verdict::Compliant,
            Reported::Ack { code: 200..300, .. } => Verdict::Drifted,
            Reported::Ack { code, .. } if code == 501 || (code != 424 && (400..500).contains(&code)) => {
                Verdict::Rejected
            }
            Reported::Ack { .. } => Verdict::Failed,
            Reported::Nothing | Reported::Other | Reported::Bare(_) => self.waiting(),
        }
    }

    fn by_echo(&self, wanted: u64) -> Verdict {
        match self.reported {
            Reported::Bare(value) if value == wanted => Verdict::Compliant,
            Reported::Bare(_) | Reported::Ack { .. } if self.said >= self.asked => Verdict::Drifted,
            Reported::Other if self.connected && self.said >= self.asked => Verdict::Unknown,
            _ => self.waiting(),
        }
    }
}

fn keys() -> Vec<Arc<str>> {
    vec!["pump".into(), "level".into()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_property_has_the_verdict_that_the_table_gives_it(world in world()) {
        prop_assert_eq!(world.implementation(), world.definition(), "{:#}", world.wire());
    }
}
