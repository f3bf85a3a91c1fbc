//! Explanations in every format.

use serde_json::json;

use super::*;
use crate::{
    fleet::resolve::Layer,
    report::{
        Format,
        findings::tests::{Files, place},
        golden,
    },
};

fn files() -> Files {
    Files(BTreeMap::from([
        ("devices/a.yaml", "kind: Device\nmetadata: { name: a }\nspec:\n  desired: { time: { zone: Oslo } }\n"),
        ("profiles/base.yaml", "kind: Profile\nspec:\n  desired:\n    time: { zone: UTC, ntp: a }\n    wifi: k\n"),
    ]))
}

fn say(layer: usize, role: Role, value: serde_json::Value, file: &str, needle: &str) -> Say {
    Say { layer, role, secret: value == json!("(secret)"), value, written: None, place: place(file, needle) }
}

fn explanation() -> Explanation {
    let (own, base) = ("devices/a.yaml", "profiles/base.yaml");
    let explained = |path: &str, value, says| {
        let secret = value == json!("(secret)");
        Explained { path: path.parse().unwrap(), value, secret, says }
    };
    let ntp = Say { written: Some("${vars.ntp}".into()), ..say(1, Role::Sets, json!("time.example"), base, "ntp") };
    Explanation {
        layers: vec![
            Layer { source: "Device/a".into(), priority: None, condition: None, place: place(own, "kind") },
            Layer {
                source: "Profile/base".into(),
                priority: Some(10),
                condition: Some("tags.role = 'kiosk|\u{1b}[2J'".into()),
                place: place(base, "kind"),
            },
        ],
        values: vec![
            explained("properties.desired.time.ntp", json!("time.example"), vec![ntp]),
            explained(
                "properties.desired.time.zone",
                json!("Oslo"),
                vec![
                    say(0, Role::Sets, json!("Oslo"), own, "zone"),
                    say(1, Role::Overridden, json!("UTC"), base, "zone"),
                ],
            ),
            explained(
                "properties.desired.wifi",
                json!("(secret)"),
                vec![say(1, Role::Sets, json!("(secret)"), base, "wifi")],
            ),
            explained(
                "properties.desired.old",
                json!(null),
                vec![
                    say(0, Role::Sets, json!(null), own, "desired"),
                    say(1, Role::Agrees, json!(null), base, "desired"),
                ],
            ),
        ],
    }
}

fn authors() -> BTreeMap<Place, Author> {
    let commit = |cut_off| Author::Commit {
        id: "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".into(),
        name: "Ada Lovelace".into(),
        email: "ada@example.com".into(),
        time: "2026-09-02T08:00:00Z".parse().unwrap(),
        subject: "Move the clocks of all kiosks to the zone that the building is in, at last".into(),
        cut_off,
    };
    BTreeMap::from([
        (place("devices/a.yaml", "zone"), Author::Uncommitted),
        (place("profiles/base.yaml", "zone"), commit(false)),
        (place("profiles/base.yaml", "ntp"), commit(true)),
    ])
}

fn drifted() -> PropertyVerdict {
    PropertyVerdict {
        path: "properties.desired.time.zone".parse().unwrap(),
        verdict: Verdict::Drifted,
        wanted: Some(json!("Oslo")),
        live: Some(json!("Oslo")),
        reported: Some(json!("UTC")),
        since: Some("2026-09-01T08:00:00.25Z".to_owned()),
        message: Some("set by hand".to_owned()),
        by: None,
        origin: None,
        secret: false,
    }
}

#[test]
fn explanations_are_told_in_every_format() {
    let (explanation, authors, places) = (explanation(), authors(), files());
    let standing = [drifted()];
    let device = DeviceId::new("a").unwrap();
    let report = ExplanationReport {
        fleet: "contoso",
        device: &device,
        revision: Some("4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80"),
        explanation: &explanation,
        standing: Some(&standing),
        authors: &authors,
        places: &places,
    };
    golden::check("explanation/judged", &report);
    let offline = ExplanationReport { revision: None, standing: None, ..report };
    golden::check("explanation/offline", &offline);
}

#[test]
fn what_is_wanted_of_the_terminal_is_only_colour() {
    let (explanation, authors, places) = (explanation(), authors(), files());
    let device = DeviceId::new("a").unwrap();
    let report = ExplanationReport {
        fleet: "contoso",
        device: &device,
        revision: None,
        explanation: &explanation,
        standing: None,
        authors: &authors,
        places: &places,
    };
    let told = |colour| golden::told(&report, Format::Text, &Paper { colour, ..Paper::default() });
    let (plain, coloured) = (told(false), told(true));
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let bare: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(n, part)| match part.split_once('m') {
            Some((_, rest)) if n > 0 => rest,
            _ => part,
        })
        .collect();
    assert_eq!(bare, plain);
}
