//! Plans that go through a file.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{json, value::RawValue};

use super::*;
use crate::plan::{
    Collector,
    tests::{fleet, planner, profile},
};
use crate::twin::TwinRow;

const HUB: &str = "contoso.azure-devices.net";

/// The plan of a fleet with a secret for twins of these ids, one of which has been edited.
fn plan(revision: &str, ids: &[&str], etag: &str) -> Plan {
    let key = json!({ "path": "/etc/key", "content": "${secret.PSK}" });
    let base = profile("base", None, 0, json!({ "net": { "mtu": 1500 } }));
    let keys = profile("keys", Some("tags.has = 'key'"), 0, json!({ "files": { "key": key } }));
    let planner = Arc::new(planner(revision, vec![(revision, fleet(vec![base, keys]))]));
    let mut collector = Collector::new(planner);
    for id in ids {
        let has = if id.starts_with('k') { "key" } else { "none" };
        let twin = json!({ "deviceId": id, "etag": etag, "tags": { "has": has } }).to_string();
        collector.take(&TwinRow::parse(&twin).unwrap()).unwrap();
    }
    collector.finish().unwrap()
}

fn through_a_file(plan: &Plan) -> (String, Result<Saved, SavedError>) {
    let mut file = Vec::new();
    write(plan, HUB, true, &mut file).unwrap();
    let read = read(file.as_slice());
    (String::from_utf8(file).unwrap(), read)
}

#[test]
fn what_is_read_is_what_was_written() {
    let before = plan("r1", &["a", "b", "k1"], "e1");
    let (_, saved) = through_a_file(&before);
    let saved = saved.unwrap();
    assert_eq!((saved.hub.as_str(), saved.whole, saved.plan.revision.as_str()), (HUB, true, "r1"));
    assert_eq!(saved.plan.counts, before.counts);
    let shown = |plan: &Plan| -> Vec<String> {
        let devices = |group: &Group| {
            let each = group.devices.iter().map(|d| format!("{} {:?} {}", d.device, d.etag, d.managed));
            each.collect::<Vec<_>>().join(", ")
        };
        plan.groups.iter().map(|group| format!("{:?} {}", group.kind, devices(group))).collect()
    };
    assert_eq!(shown(&saved.plan), shown(&before));
    assert_eq!(saved.plan.groups[0].patch.get(), before.groups[0].patch.get());
    assert_eq!(saved.plan.groups[0].deltas.len(), before.groups[0].deltas.len());
}

#[test]
fn no_secret_stands_in_the_file_and_what_holds_one_is_known_to() {
    let before = plan("r1", &["a", "k1"], "e1");
    assert!(before.groups.iter().any(|group| group.patch.get().contains("hunter2")), "the plan itself has it");
    assert!(!before.groups.iter().any(Group::is_redacted));
    let (file, saved) = through_a_file(&before);
    assert!(!file.contains("hunter2") && file.contains("(secret)"), "{file}");
    let redacted: Vec<bool> = saved.unwrap().plan.groups.iter().map(Group::is_redacted).collect();
    assert_eq!(redacted.iter().filter(|redacted| **redacted).count(), 1);
}

#[test]
fn the_hash_is_that_of_the_changes_and_of_nothing_else() {
    let known = hash(&plan("r1", &["a", "b", "k1"], "e1"), HUB);
    assert!(known.starts_with("sha256:") && known.len() == 71, "{known}");
    assert_eq!(hash(&plan("r2", &["k1", "b", "a"], "e9"), HUB), known, "another commit, order and etag");
    for (what, other) in [
        ("another device", hash(&plan("r1", &["a", "b", "k2"], "e1"), HUB)),
        ("one device less", hash(&plan("r1", &["a", "b"], "e1"), HUB)),
        ("another hub", hash(&plan("r1", &["a", "b", "k1"], "e1"), "other.example")),
    ] {
        assert_ne!(other, known, "{what}");
    }
    let mut changed = plan("r1", &["a", "b", "k1"], "e1");
    let text = changed.groups[0].patch.get().replace("1500", "1501");
    changed.groups[0].patch = RawValue::from_string(text).unwrap().into();
    assert_ne!(hash(&changed, HUB), known, "another value");
}

#[test]
fn the_hash_stays_what_it_was_when_people_approved_it() {
    let known = "sha256:6a5f5ce042716a7b682592e710cbea0f83304194fe7efcab338c16730afa9332";
    assert_eq!(hash(&plan("r1", &["a"], "e1"), HUB), known, "whoever changes it changes `HEADER` too");
}

#[test]
fn a_file_that_was_changed_or_cut_short_or_is_none_is_refused() {
    let (file, _) = through_a_file(&plan("r1", &["a", "b"], "e1"));
    let read = |text: &str| read(text.as_bytes());
    assert!(matches!(read(&file.replace("1500", "1501")), Err(SavedError::Changed { .. })));
    assert!(matches!(read(&file[..file.len() / 2]), Err(SavedError::Format(_))));
    let newer = file.replacen("\"version\":1", "\"version\":2", 1);
    let told = read(&newer).unwrap_err().to_string();
    assert_eq!(told, "this is a saved-plan of version 2; this program reads a saved-plan of version 1");
}

proptest! {
    #[test]
    fn order_is_nothing_to_the_hash(ids in prop::collection::btree_set("[a-z]{1,6}", 1..12), turn in 0_usize..12) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut turned = ids.clone();
        turned.rotate_left(turn % ids.len());
        let (one, mut other) = (plan("r1", &ids, "e1"), plan("r1", &turned, "e2"));
        other.groups.reverse();
        prop_assert_eq!(hash(&one, HUB), hash(&other, HUB));
    }
}
