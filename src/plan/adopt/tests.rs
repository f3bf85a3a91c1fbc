//! Documents and the twins that they made; then somebody edits the twins, and the documents follow.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    fleet::{self, Source, SourceFile},
    plan::{
        Planner,
        tests::{apply, look, planner, twin},
    },
    twin::{Twin, TwinRow, set_path},
};

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: test }\nspec: { vars: { word: hello } }\n";

/// A profile of all devices, and whatever stands in its `desired`.
fn profile(name: &str, priority: i32, desired: &str) -> String {
    format!(
        "apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: {name} }}\nspec:\n  priority: {priority} # order\n  desired:\n{desired}"
    )
}

fn device(name: &str, spec: &str) -> String {
    format!("---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {name} }}\nspec:\n{spec}")
}

struct Stage {
    source: Source,
    planner: Arc<Planner>,
    twins: Vec<Twin>,
}

impl Stage {
    /// Documents, and devices that are as these say.
    fn new(files: &[(&str, String)], devices: &[&str]) -> Self {
        let file = |(path, text): &(&str, String)| SourceFile { path: (*path).into(), text: text.as_bytes().into() };
        let source = Source::from_files(files.iter().map(file));
        let fleet = (*fleet(&source)).clone();
        let planner = planner("r1", vec![("r1", fleet)]);
        let twin = |name: &&str| {
            let mut twin = twin(json!({}), json!({}));
            twin.device_id = name.parse().unwrap();
            apply(&planner, &mut twin);
            twin.properties.desired.version = 3;
            twin
        };
        let twins = devices.iter().map(twin).collect();
        Self { source, planner: Arc::new(planner), twins }
    }

    /// Somebody sets a value of a device in the hub, or takes it out.
    fn edit(&mut self, device: usize, path: &str, value: Option<Value>) {
        let keys: Vec<Arc<str>> = path.split('.').map(Into::into).collect();
        let desired = &mut self.twins[device].properties.desired.values;
        match value {
            Some(value) => set_path(desired, &keys, value),
            None => drop(crate::twin::remove_path(desired, &keys)),
        }
    }

    fn edits(&self, planner: &Planner, which: &[usize]) -> Vec<EditedTwin> {
        let of = |at: &usize| {
            let text = serde_json::to_string(&self.twins[*at]).unwrap();
            planner.edits(&TwinRow::parse(&text).unwrap()).unwrap()
        };
        which.iter().filter_map(of).collect()
    }

    /// What is proposed for some of the devices, and the documents as they are to be.
    fn adopt(&self, which: &[usize]) -> (Adoption, Source) {
        let edits = self.edits(&self.planner, which);
        let mut sharing = Sharing::new(Arc::clone(&self.planner), &edits);
        for twin in &self.twins {
            let text = serde_json::to_string(twin).unwrap();
            sharing.take(&TwinRow::parse(&text).unwrap()).unwrap();
        }
        let adoption = propose(&self.planner, &edits, &sharing, &self.source);
        let source = self.source.with(&adoption.files);
        (adoption, source)
    }

    /// Adopts all; afterwards no twin needs a change.
    #[track_caller]
    fn adopt_all(&self) -> (Adoption, Source) {
        let all: Vec<usize> = (0..self.twins.len()).collect();
        let (adoption, source) = self.adopt(&all);
        assert_eq!(adoption.left, []);
        let after = planner("r2", vec![("r1", (*fleet(&self.source)).clone()), ("r2", (*fleet(&source)).clone())]);
        for twin in &self.twins {
            let change = look(&after, twin).change;
            assert!(change.as_ref().is_none_or(|change| !change.has_changes()), "{change:?}\n{:?}", adoption.files);
        }
        (adoption, source)
    }
}

#[track_caller]
fn fleet(source: &Source) -> Arc<crate::fleet::Fleet> {
    let loaded = fleet::load(source);
    assert!(loaded.is_sound(), "{:?}", loaded.findings);
    loaded.fleet.unwrap()
}

fn text(source: &Source, path: &str) -> String {
    String::from_utf8(source.file(path).unwrap().text.to_vec()).unwrap()
}

const KIOSK: &str = "    x:\n      a: 1 # one\n      b: two # two\n      c: [1, 2]\n";

fn kiosks(devices: &[&str]) -> Stage {
    Stage::new(&[("fleet.yaml", FLEET.to_owned()), ("kiosk.yaml", profile("kiosk", 1, KIOSK))], devices)
}

#[test]
fn a_profile_changes_when_every_device_of_it_holds_the_same() {
    let mut stage = kiosks(&["d1", "d2", "d3"]);
    (0..3).for_each(|at| stage.edit(at, "x.a", Some(json!(5))));
    let (adoption, source) = stage.adopt_all();
    assert_eq!(text(&source, "kiosk.yaml"), profile("kiosk", 1, KIOSK).replace("a: 1 #", "a: 5 #"));
    let [only] = &*adoption.adopted else { panic!("{adoption:?}") };
    assert_eq!((&only.home, only.twins.len(), only.twins[0].version), (&Home::Profile("kiosk".into()), 3, 3));
    // One that is not meant keeps its own line, and so does every other.
    let (adoption, source) = stage.adopt(&[0, 1]);
    assert!(adoption.adopted.iter().all(|one| matches!(one.home, Home::NewDevice(_)) && one.shared_by == Some(3)));
    assert_eq!(text(&source, "kiosk.yaml"), profile("kiosk", 1, KIOSK));
}

#[test]
fn one_of_many_gets_a_line_of_its_own() {
    let mut stage = kiosks(&["d1", "d2"]);
    stage.edit(1, "x.b", Some(json!("${vars.word}")));
    stage.edit(1, "x.c", Some(json!([1])));
    let (adoption, source) = stage.adopt_all();
    assert_eq!(adoption.files.len(), 1);
    let expected = "apiVersion: twinops/v1\nkind: Device\nmetadata:\n  name: d2\nspec:\n  desired:\n    x:\n      b: \"$${vars.word}\"\n      c: [1]\n";
    assert_eq!(text(&source, "devices/d2.yaml"), expected);
}

#[test]
fn a_document_that_is_there_takes_the_line() {
    let own = device("d1", "  tags: { site: oslo } # where\n") + &device("d2", "  desired: { x: { a: 9 } }\n");
    let files =
        [("fleet.yaml", FLEET.to_owned()), ("kiosk.yaml", profile("kiosk", 1, KIOSK)), ("devices.yaml", own.clone())];
    let mut stage = Stage::new(&files, &["d1", "d2", "d3"]);
    stage.edit(0, "x.a", Some(json!(2)));
    stage.edit(1, "x.a", Some(json!(3)));
    stage.edit(1, "x.b", Some(json!("three")));
    let (_, source) = stage.adopt_all();
    let expected = device("d1", "  tags: { site: oslo } # where\n  desired:\n    x:\n      a: 2\n")
        + &device("d2", "  desired: { x: { a: 3, b: three } }\n");
    assert_eq!(text(&source, "devices.yaml"), expected);
}

#[test]
fn tags_are_adopted_into_the_devices_own_document() {
    let own = device("d1", "  tags: { site: oslo, ring: 1 } # where\n");
    let mut stage = Stage::new(&[("fleet.yaml", FLEET.to_owned()), ("d.yaml", own.clone())], &["d1"]);
    stage.twins[0].tags.insert("site".to_owned(), json!("bergen"));
    stage.twins[0].tags.remove("ring");
    let (_, source) = stage.adopt_all();
    assert_eq!(text(&source, "d.yaml"), device("d1", "  tags: { site: bergen } # where\n"));
}

#[test]
fn what_was_taken_out_of_the_hub_goes_with_its_line_or_is_forbidden() {
    let mut stage = kiosks(&["d1", "d2"]);
    (0..2).for_each(|at| stage.edit(at, "x.a", None));
    stage.edit(0, "x.b", None);
    let (_, source) = stage.adopt_all();
    assert_eq!(text(&source, "kiosk.yaml"), profile("kiosk", 1, &KIOSK.replace("      a: 1 # one\n", "")));
    assert!(text(&source, "devices/d1.yaml").ends_with("    x:\n      b: null\n"));
    // Where a weaker profile speaks, taking the line out would let it have its way.
    let base = ("base.yaml", profile("base", 0, "    x: { a: 0 }\n"));
    let files = [("fleet.yaml", FLEET.to_owned()), ("kiosk.yaml", profile("kiosk", 1, KIOSK)), base];
    let mut stage = Stage::new(&files, &["d1"]);
    stage.edit(0, "x.a", None);
    let (_, source) = stage.adopt_all();
    assert_eq!(text(&source, "kiosk.yaml"), profile("kiosk", 1, &KIOSK.replace("a: 1 #", "a: null #")));
    // Everything of a component.
    let mut stage = kiosks(&["d1"]);
    stage.edit(0, "x", None);
    let (_, source) = stage.adopt_all();
    let gone = "    x:\n      a: null # one\n      b: null # two\n      c: null\n";
    assert_eq!(text(&source, "kiosk.yaml"), profile("kiosk", 1, gone));
}

/// Why nothing is adopted of the first device.
fn refused(stage: &Stage) -> Left {
    let (adoption, _) = stage.adopt(&[0]);
    assert_eq!((adoption.adopted.len(), adoption.files.len()), (0, 0), "{adoption:?}");
    let [left] = &*adoption.left else { panic!("{adoption:?}") };
    left.why.clone()
}

#[test]
fn a_secret_is_neither_written_nor_kept() {
    let files = [("fleet.yaml", FLEET.to_owned()), ("p.yaml", profile("p", 1, "    x: { key: \"${secret.PSK}\" }\n"))];
    let mut stage = Stage::new(&files, &["d1"]);
    stage.edit(0, "x.key", Some(json!("letmein")));
    assert_eq!(refused(&stage), Left::Secret);
    assert!(!format!("{:?}", stage.edits(&stage.planner, &[0])).contains("letmein"));
}

#[test]
fn what_a_document_fills_in_is_left_and_can_be_overridden() {
    let files = [("fleet.yaml", FLEET.to_owned()), ("p.yaml", profile("p", 1, "    x: { word: \"${vars.word}\" }\n"))];
    let mut stage = Stage::new(&files, &["d1", "d2"]);
    stage.edit(0, "x.word", Some(json!("bye")));
    let (adoption, source) = stage.adopt(&[0]);
    assert_eq!(adoption.left, []);
    assert!(text(&source, "devices/d1.yaml").ends_with("      word: bye\n"));
    stage.edit(1, "x.word", Some(json!("bye")));
    let (adoption, _) = stage.adopt(&[0, 1]);
    assert_eq!((adoption.adopted.len(), adoption.left.len()), (0, 2));
    assert!(adoption.left[0].why.to_string().contains("${…}"), "{}", adoption.left[0].why);
}

#[test]
fn what_others_answer_for_is_left() {
    // Git moved on too.
    let mut stage = kiosks(&["d1"]);
    let newer = Stage::new(
        &[("fleet.yaml", FLEET.to_owned()), ("kiosk.yaml", profile("kiosk", 1, &KIOSK.replace("a: 1", "a: 7")))],
        &[],
    );
    stage.edit(0, "x.a", Some(json!(5)));
    let both = vec![("r1", (*fleet(&stage.source)).clone()), ("r2", (*fleet(&newer.source)).clone())];
    let twins = std::mem::take(&mut stage.twins);
    let moved = Stage { planner: Arc::new(planner("r2", both)), twins, ..newer };
    assert_eq!(refused(&moved), Left::Changed);
    // A configuration of the hub wrote it.
    let mut stage = kiosks(&["d1"]);
    stage.edit(0, "x.a", Some(json!(5)));
    stage.twins[0].properties.desired.metadata = json!({ "x": { "a": { "$lastUpdatedBy": "conf" } } });
    let text = serde_json::to_string(&stage.twins[0]).unwrap();
    let mut wire: Value = serde_json::from_str(&text).unwrap();
    wire["configurations"] = json!({ "conf": { "status": "Applied" } });
    let edits = stage.planner.edits(&TwinRow::parse(&wire.to_string()).unwrap()).unwrap().unwrap();
    assert_eq!(edits.edits[0].left, Some(Left::Configuration("conf".to_owned())));
    // A value stands where documents declare a mapping.
    let mut stage = kiosks(&["d1"]);
    stage.edit(0, "x", Some(json!("gone")));
    assert_eq!(refused(&stage), Left::Mapping);
    // What twinops itself puts into a component.
    let files =
        [("fleet.yaml", FLEET.to_owned()), ("p.yaml", profile("p", 1, "    time: { timeZone: Europe/Oslo }\n"))];
    let mut stage = Stage::new(&files, &["d1"]);
    stage.edit(0, "time.__t", None);
    assert_eq!(refused(&stage), Left::Ours);
}

#[test]
fn a_name_that_no_file_may_have_gets_another() {
    let mut stage = kiosks(&["a:b", "d2"]);
    stage.edit(0, "x.a", Some(json!(5)));
    let (adoption, _) = stage.adopt_all();
    assert_eq!(adoption.files.keys().map(|path| &**path).collect::<Vec<_>>(), ["devices/a_b.yaml"]);
}

/// Leaves of a profile: the name of each is nowhere else.
fn leaves() -> impl Strategy<Value = BTreeMap<u8, Value>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-5_i64..50).prop_map(Value::from),
        "[a-z ]{0,8}".prop_map(Value::from),
        "[a-z]{1,4}\n[a-z]{1,4}\n".prop_map(Value::from),
        prop::collection::vec(0_i64..3, 0..3).prop_map(Value::from),
    ];
    prop::collection::btree_map(0_u8..12, value, 1..8)
}

/// The section in which a leaf lies, and its name.
fn way(leaf: u8) -> [String; 2] {
    [format!("section{}", leaf % 3), format!("leaf{leaf:02}")]
}

fn desired(leaves: &BTreeMap<u8, Value>) -> String {
    let mut all = crate::twin::Map::new();
    for (leaf, value) in leaves {
        let keys: Vec<Arc<str>> = way(*leaf).iter().map(|key| key.as_str().into()).collect();
        set_path(&mut all, &keys, value.clone());
    }
    let mut out = String::new();
    crate::fleet::written::members(&all, 4, &mut out);
    // A line of words above each leaf.
    let comment = |line: &str| {
        if line.starts_with("      leaf") { format!("      # about it\n{line}\n") } else { format!("{line}\n") }
    };
    out.lines().map(comment).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn after_adopting_the_plan_is_empty_and_other_lines_are_as_they_were(
        weak in leaves(),
        strong in leaves(),
        own in leaves(),
        edits in prop::collection::vec(((0_usize..3, any::<prop::sample::Index>()), prop::option::of(0_i64..9)), 1..6),
        ending in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let layout = |text: String| {
            let text = if ending { text } else { text.trim_end_matches('\n').to_owned() };
            if crlf { text.replace('\n', "\r\n") } else { text }
        };
        let files = [
            ("fleet.yaml", FLEET.to_owned()),
            ("weak.yaml", layout(profile("weak", 0, &desired(&weak)))),
            ("strong.yaml", layout(profile("strong", 1, &desired(&strong)))),
            ("own.yaml", layout(device("d1", &format!("  desired:\n{}", desired(&own))))),
        ];
        let mut stage = Stage::new(&files, &["d1", "d2", "d3"]);
        let names: Vec<u8> = [&weak, &strong].into_iter().flat_map(BTreeMap::keys).copied().collect();
        let mut touched = std::collections::BTreeSet::new();
        for ((device, which), value) in edits {
            let [section, leaf] = way(names[which.index(names.len())]);
            stage.edit(device, &format!("{section}.{leaf}"), value.map(Value::from));
            touched.insert(leaf);
        }
        let (_, source) = stage.adopt_all();
        for (path, before) in &files {
            let after = text(&source, path);
            prop_assert_eq!(after.ends_with('\n'), before.ends_with('\n'));
            prop_assert_eq!(after.contains('\r'), before.contains('\r'));
            // What is left of both without the leaves that were edited, and the lines of their values, is the same.
            let rest = |text: &str| {
                let mut all = Vec::new();
                let mut inside = false;
                for line in text.lines() {
                    let is_leaf = touched.iter().any(|leaf| line.trim_start().starts_with(leaf.as_str()));
                    let deeper = line.starts_with("        ") || line.is_empty();
                    inside = is_leaf || (inside && deeper);
                    let is_section = line.trim_start().starts_with("section");
                    if !inside && !is_section {
                        all.push(line.to_owned());
                    }
                }
                all
            };
            prop_assert_eq!(rest(&after), rest(before), "{}", path);
        }
    }
}
