//! Adoptions in every format, and as messages of commits.

use serde_json::json;

use super::*;
use crate::{
    fleet::Place,
    plan::adopt::Seen,
    report::{
        findings::tests::{Files, place},
        golden,
    },
};

fn seen(device: &str, since: Option<&str>) -> Seen {
    Seen { device: device.parse().unwrap(), version: 4, since: since.map(str::to_owned) }
}

fn adoption() -> Adoption {
    let zone = Adopted {
        home: Home::Profile("kiosk".into()),
        path: "properties.desired.time.timeZone".parse().unwrap(),
        from: Some(json!("Europe/Oslo")),
        to: Some(json!("Europe/Berlin")),
        place: place("profiles/base.yaml", "ntpServer"),
        twins: ["k1", "k2", "k3", "k4"].map(|id| seen(id, Some("2026-09-02T08:00:00.1234567Z"))).to_vec(),
        shared_by: None,
    };
    let own = Adopted {
        home: Home::NewDevice("k5".parse().unwrap()),
        path: "properties.desired.files.motd".parse().unwrap(),
        to: None,
        place: Place::value(&"devices/k5.yaml".into(), 0, "/spec/desired/files/motd"),
        twins: vec![seen("k5", None)],
        shared_by: Some(7),
        ..zone.clone()
    };
    let left = |device: &str, path: &str, why| LeftBehind {
        device: device.parse().unwrap(),
        path: path.parse().unwrap(),
        why,
    };
    let left = vec![
        left("k6", "properties.desired.wifi.key", Left::Secret),
        left("k7", "properties.desired.wifi.key", Left::Secret),
        left("k6", "tags.site", Left::Changed),
    ];
    Adoption { adopted: vec![own, zone], left, ..Adoption::default() }
}

#[test]
fn an_adoption_is_told_in_every_format() {
    let files = Files(BTreeMap::from([("profiles/base.yaml", "kind: Profile\nspec:\n  ntpServer: b\n")]));
    let adoption = adoption();
    let commit = "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".to_owned();
    let written = Written::Branch { branch: "twinops/adopt-contoso".into(), commit, remote: None };
    let revision = "77d0c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f8";
    let report =
        AdoptionReport { fleet: "contoso", revision, adoption: &adoption, written: Some(&written), places: &files };
    golden::check("adoption/mixed", &report);
    golden::compare("tests/cases/report/adoption/mixed.message", &message(&report));
    let none = Adoption::default();
    golden::check("adoption/none", &AdoptionReport { adoption: &none, written: None, ..report });
}
