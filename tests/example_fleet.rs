//! The fleet that readers learn from is in order.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{path::Path, sync::Arc};

use serde_json::json;
use twinops::{
    fleet::{
        self, Finding, Source, Wanted,
        resolve::{self, Facts, Resolver, Secrets},
    },
    twin::{DeviceId, Map},
};

fn load() -> (Resolver, Vec<Finding>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet");
    let loaded = fleet::load(&Source::read_folder(&root).unwrap());
    let resolver = Resolver::new(loaded.fleet.unwrap(), loaded.registry, Secrets::none());
    (resolver, loaded.findings)
}

fn wanted(resolver: &Resolver, device: &str) -> Arc<Wanted> {
    let (id, tags) = (DeviceId::new(device).unwrap(), Map::new());
    resolver.wanted(&Facts { id: &id, tags: &tags, reported: None, model_id: None }).unwrap().unwrap()
}

fn sources(wanted: &Wanted) -> Vec<&str> {
    wanted.sources.iter().map(|source| &**source).collect()
}

#[test]
fn there_is_nothing_to_find() {
    let (resolver, mut findings) = load();
    findings.extend(resolve::check(&resolver));
    assert_eq!(findings, Vec::new());
    assert_eq!((resolver.fleet().devices.len(), resolver.fleet().profiles.len()), (20, 6));
}

#[test]
fn it_says_what_its_comments_say() {
    let (resolver, _) = load();
    let canary = wanted(&resolver, "sign-oslo-01");
    assert_eq!(sources(&canary), ["Profile/base", "Profile/signage", "Profile/canary", "Device/sign-oslo-01"]);
    assert_eq!(canary.desired["signage"]["channel"], "preview");
    assert_eq!(canary.desired["signage"]["playlist"], "https://content.contoso.example/oslo/playlist.json");
    let london = wanted(&resolver, "kiosk-london-01");
    assert_eq!(london.desired["windows"]["timeInfo"]["timeZoneBias"], 0);
    assert_eq!(london.desired["windows"]["timeInfo"]["timeZoneDaylightBias"], -60);
    assert_eq!(wanted(&resolver, "kiosk-oslo-03").desired["windows"]["rebootInfo"], json!(null));
    let lab = wanted(&resolver, "gw-lab-01");
    assert_eq!(lab.desired["files"]["motd"], json!(null));
    assert!(lab.desired["files"]["bridge"]["content"].as_str().unwrap().starts_with("site = lab\n"));
}

#[test]
fn every_value_has_a_line() {
    let (resolver, _) = load();
    for device in resolver.fleet().devices.keys() {
        let wanted = wanted(&resolver, device.as_str());
        for leaf in twinops::twin::leaves(&wanted.desired) {
            let path = twinops::twin::Section::Desired.path(leaf.keys);
            assert!(resolver.origin(&wanted, &path).is_some(), "{device}: {path}");
        }
    }
}
