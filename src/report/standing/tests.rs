//! Standings in every format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    plan::{DeviceVerdict, Notice, PropertyVerdict},
    report::{
        Format, Limits,
        findings::tests::{Files, place},
        golden,
    },
    twin::DeviceId,
};

fn files() -> Files {
    Files(BTreeMap::from([("profiles/base.yaml", "kind: Profile\nspec:\n  ntpServer: b\n")]))
}

fn property(path: &str, verdict: Verdict, values: [Option<Value>; 3]) -> PropertyVerdict {
    let [wanted, live, reported] = values;
    PropertyVerdict {
        path: path.parse().unwrap(),
        verdict,
        wanted,
        live,
        reported,
        since: None,
        message: None,
        by: None,
        origin: None,
        secret: false,
    }
}

fn device(id: &str, properties: Vec<PropertyVerdict>) -> DeviceVerdict {
    DeviceVerdict {
        ignored: std::collections::BTreeSet::new(),
        awaits_rollout: false,
        device: DeviceId::new(id).unwrap(),
        verdict: properties.iter().map(|property| property.verdict).max().unwrap_or(Verdict::Compliant),
        connected: id.ends_with('1'),
        last_activity: match id.chars().last() {
            Some('2') => Some("2026-09-02T08:00:00.1234567Z".to_owned()),
            Some('3') => Some("0001-01-01T00:00:00Z".to_owned()),
            _ => None,
        },
        revision: Some("4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".into()),
        compliant: 7,
        properties,
    }
}

fn drifted(hour: u32) -> PropertyVerdict {
    let some = |text: &str| Some(json!(text));
    PropertyVerdict {
        since: Some(format!("2026-09-01T{hour:02}:00:00.25Z")),
        origin: Some(place("profiles/base.yaml", "ntpServer")),
        ..property("properties.desired.time.ntpServer", Verdict::Drifted, [some("b"), some("b"), some("pool.ntp.org")])
    }
}

fn standing() -> Standing {
    let psk = PropertyVerdict {
        secret: true,
        message: Some("hunter2 is too short,\n@admin `x`".into()),
        ..property(
            "properties.desired.wifi.psk",
            Verdict::Rejected,
            [Some(json!("hunter2")), Some(json!("hunter2")), None],
        )
    };
    let contested = PropertyVerdict {
        by: Some("baseline-2025".into()),
        ..property("tags.ring", Verdict::Contested, [Some(json!("a")), Some(json!("b")), None])
    };
    let pending = property("tags.site", Verdict::Pending, [None, Some(json!("oslo")), None]);
    Standing {
        fleet: "contoso-kiosks".into(),
        revision: "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".into(),
        devices: BTreeMap::from([
            (Verdict::Compliant, 380),
            (Verdict::Pending, 1),
            (Verdict::Drifted, 3),
            (Verdict::Contested, 1),
        ]),
        properties: BTreeMap::from([
            (Verdict::Compliant, 3000),
            (Verdict::Pending, 1),
            (Verdict::Drifted, 4),
            (Verdict::Rejected, 1),
        ]),
        outstanding: vec![
            device("kiosk-0005", vec![contested]),
            device("kiosk-0001", vec![drifted(10), psk]),
            device("kiosk-0002", vec![drifted(12)]),
            device("kiosk-0003", vec![drifted(11)]),
            device("kiosk-0004", vec![pending]),
        ],
        ignored: BTreeMap::from([("properties.desired.deviceBridge".to_owned(), 12)]),
        rollouts: crate::report::rollouts::tests::states(),
        notices: vec![Notice {
            id: "not-registered",
            message: "devices are declared that the hub does not know".into(),
            devices: 1,
            samples: vec![DeviceId::new("kiosk-0900").unwrap()],
        }],
    }
}

#[test]
fn status_is_told_in_every_format() {
    let (standing, files) = (standing(), files());
    golden::check("standing/status", &StandingReport { standing: &standing, places: &files, lens: Lens::Status });
}

#[test]
fn what_is_on_its_way_is_counted_and_listed_only_in_detail() {
    let (standing, files) = (standing(), files());
    let report = StandingReport { standing: &standing, places: &files, lens: Lens::Status };
    let brief = Paper::default();
    let full = Paper { detail: true, ..brief };
    for (format, path) in [(Format::Text, "pending      tags.site"), (Format::Markdown, "<code>tags.site</code>")] {
        let (short, long) = (golden::told(&report, format, &brief), golden::told(&report, format, &full));
        assert!(!short.contains(path) && short.contains("1 property is on its way"), "{short}");
        assert!(long.contains(path) && !long.contains("on its way"), "{long}");
    }
    assert!(golden::told(&report, Format::Json, &brief).contains("tags.site"));
}

#[test]
fn drift_leaves_out_what_is_on_its_way() {
    let (standing, files) = (standing(), files());
    let report = StandingReport { standing: &standing, places: &files, lens: Lens::Drift };
    golden::check("standing/drift", &report);
    assert!(!golden::told(&report, Format::Json, &Paper::default()).contains("tags.site"));
}

#[test]
fn no_format_shows_a_secret_even_when_the_device_does() {
    let (standing, files) = (standing(), files());
    for format in Format::ALL {
        let report = StandingReport { standing: &standing, places: &files, lens: Lens::Status };
        let text = golden::told(&report, format, &Paper::default());
        assert!(!text.contains("hunter2") && text.contains("(secret)"), "{text}");
    }
}

#[test]
fn many_devices_with_one_verdict_are_told_once() {
    let mut standing = Standing { rollouts: Vec::new(), ..standing() };
    standing.outstanding = (0..5000).map(|n| device(&format!("kiosk-{n:04}"), vec![drifted(n % 24)])).collect();
    let files = files();
    let report = StandingReport { standing: &standing, places: &files, lens: Lens::Drift };
    let paper = Paper { limits: Limits { samples: 2, ..Limits::default() }, ..Paper::default() };
    let text = golden::told(&report, Format::Text, &paper);
    assert!(text.contains("5000 devices: kiosk-0000, kiosk-0001, +4998"), "{text}");
    assert!(text.contains("since 2026-09-01T00:00:00Z to 2026-09-01T23:00:00Z"), "{text}");
    assert!(text.lines().count() < 30, "{text}");
}
