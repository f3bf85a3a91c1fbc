//! What is kept changes what is read, and never what is found.

use std::{cell::RefCell, collections::BTreeMap, convert::Infallible};

use proptest::prelude::*;

use super::*;
use crate::fleet::{Source, load};

/// Files by path.
type Files = BTreeMap<&'static str, String>;

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: f }\nspec: { vars: { ntp: a } }\n";
const BASE: &str = "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: base }\nspec:\n  where: tags.site = 'oslo'\n  \
                    desired: { time: { ntp: { servers: [\"${vars.ntp}\"] } } }\n";

fn device(name: &str, rest: &str) -> String {
    format!("apiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {name} }}\nspec: {{ {rest} }}\n")
}

fn files() -> Files {
    BTreeMap::from([
        ("a.yaml", device("a", "tags: { site: oslo }")),
        ("b.yaml", device("b", "tags: { site: lyon }")),
        ("base.yaml", BASE.to_owned()),
        ("c.yaml", device("c", "tags: { site: oslo }, desired: { time: { timeZone: \"${vars.zone}\" } }")),
        ("fleet.yaml", FLEET.replace("ntp: a", "ntp: a, zone: UTC")),
    ])
}

fn id(text: &str) -> ContentId {
    let hash = Sha256::digest(text.as_bytes());
    std::array::from_fn(|at| hash[at])
}

/// What is found, and which files were read for it.
fn check(files: &Files, kept: &mut Kept) -> (Vec<String>, Vec<String>) {
    let listed = |(path, text): (&&str, &String)| Listed { path: (*path).into(), id: Some(id(text)), text: None };
    let listed: Vec<Listed> = files.iter().map(listed).collect();
    let asked = RefCell::new(Vec::new());
    let read = |wanted: &[&Listed]| {
        asked.borrow_mut().extend(wanted.iter().map(|file| file.path.to_string()));
        let file = |file: &&Listed| SourceFile { path: file.path.clone(), text: files[&*file.path].as_bytes().into() };
        Ok::<_, Infallible>(wanted.iter().map(file).collect())
    };
    let Ok(checked) = check_again(&listed, kept, read);
    for place in checked.findings.iter().filter_map(|finding| finding.place.as_ref()) {
        assert!(checked.source.file(&place.file).is_some(), "what is found is there to be shown: {place:?}");
    }
    (told(&checked.findings), asked.into_inner())
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {:?} {}", finding.rule, finding.place, finding.message)).collect()
}

/// What is found when all is read.
fn whole(files: &Files) -> Vec<String> {
    let file = |(path, text): (&&str, &String)| SourceFile { path: (*path).into(), text: text.as_bytes().into() };
    let source = Source::from_files(files.iter().map(file));
    let loaded = load(&source);
    let mut findings = loaded.findings.clone();
    if let Some(fleet) = loaded.fleet.clone().filter(|_| loaded.is_sound()) {
        let resolver = Resolver::new(fleet, loaded.registry, Secrets::placeholders());
        findings.extend(resolve::check(&resolver));
    }
    told(&in_order(findings, &source))
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let (mut files, mut kept) = (files(), Kept::default());
    assert_eq!(
        check(&files, &mut kept),
        (vec![], vec!["a.yaml", "b.yaml", "base.yaml", "c.yaml", "fleet.yaml"].into_iter().map(Into::into).collect())
    );
    files.insert("b.yaml", device("b", "tags: { site: oslo }"));
    assert_eq!(check(&files, &mut kept).1, ["b.yaml", "base.yaml", "fleet.yaml"]);
    assert_eq!(check(&files, &mut kept).1, ["base.yaml", "fleet.yaml"]);
}

#[test]
fn what_all_devices_share_makes_all_of_them_be_resolved_again() {
    let (mut files, mut kept) = (files(), Kept::default());
    check(&files, &mut kept);
    files.insert("base.yaml", BASE.replace("servers", "servants"));
    let (found, read) = check(&files, &mut kept);
    assert_eq!((found, read.len()), (whole(&files), 2), "nothing is resolved while something is wrong");
    files.insert("base.yaml", BASE.replace("where: tags.site = 'oslo'", "where: tags.site = 'nowhere'"));
    let (found, read) = check(&files, &mut kept);
    assert_eq!((found, read.len()), (whole(&files), 5));
    assert!(whole(&files)[0].starts_with("selects-nothing"), "{:?}", whole(&files));
}

#[test]
fn a_device_that_is_known_and_comes_again_is_told_with_both_places() {
    let (mut files, mut kept) = (files(), Kept::default());
    check(&files, &mut kept);
    files.insert("z.yaml", device("a", ""));
    let (found, _) = check(&files, &mut kept);
    assert_eq!(found, whole(&files));
    assert!(found[0].starts_with("duplicate-device"), "{found:?}");
}

#[test]
fn what_is_saved_is_read_back_and_nothing_else_is() {
    let (files, mut kept) = (files(), Kept::default());
    check(&files, &mut kept);
    let Save::Replace(bytes) = kept.save() else { panic!("the first time all is written") };
    assert_eq!(kept.save(), Save::Nothing);
    let reads = |bytes: &[u8]| check(&files, &mut Kept::read(bytes)).1.len();
    assert_eq!(reads(&bytes), 2);
    for wrong in [&bytes[..bytes.len() - 1], &bytes[..40], b"", &[0; 100]] {
        assert_eq!(reads(wrong), 5, "what is broken is not believed");
    }
    let mut turned = bytes.clone();
    turned[60] ^= 1;
    assert_eq!(reads(&turned), 5);
    let mut again = Kept::read(&bytes);
    let more: Files = files.clone().into_iter().chain([("d.yaml", device("d", ""))]).collect();
    check(&more, &mut again);
    let Save::Append(behind) = again.save() else { panic!("only what is new is written") };
    assert_eq!(check(&more, &mut Kept::read(&[bytes, behind].concat())).1.len(), 2);
}

#[test]
fn a_schema_of_the_fleets_own_that_changes_takes_all_back() {
    let (mut files, mut kept) = (files(), Kept::default());
    check(&files, &mut kept);
    files.insert("components/pump.schema.json", "{}".to_owned());
    assert_eq!(check(&files, &mut kept).1.len(), 6);
}

#[derive(Debug, Clone)]
enum Edit {
    Device(usize, usize),
    Profile(usize),
    Remove(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..4_usize, 0..6_usize).prop_map(|(file, text)| Edit::Device(file, text)),
        (0..3_usize).prop_map(Edit::Profile),
        (0..4_usize).prop_map(Edit::Remove),
    ]
}

fn apply(files: &mut Files, edit: &Edit) {
    const NAMES: [&str; 4] = ["a.yaml", "b.yaml", "c.yaml", "d.yaml"];
    match *edit {
        Edit::Device(file, text) => {
            let text = match text {
                0 => device("a", "tags: { site: oslo }"),
                1 => device("b", "tags: { site: lyon }, desired: { time: { timeZone: \"${vars.zone}\" } }"),
                2 => device("c", "tags: { site: oslo }, desired: { time: { timeZone: 7 } }"),
                3 => device("d", "desired: { time: { timeZone: \"${tags.zone}\" } }"),
                4 => device("e", "desired: { windows: { nothing: [no] } }"),
                _ => "a: [\n".to_owned(),
            };
            files.insert(NAMES[file], text);
        }
        Edit::Profile(0) => _ = files.insert("base.yaml", BASE.to_owned()),
        Edit::Profile(1) => _ = files.insert("base.yaml", BASE.replace("oslo", "lyon")),
        Edit::Profile(_) => _ = files.remove("base.yaml"),
        Edit::Remove(file) => _ = files.remove(NAMES[file]),
    }
}

proptest! {
    // Each loads and resolves a fleet two dozen times.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_kept_never_changes_what_is_found(edits in prop::collection::vec(edit(), 1..12)) {
        let (mut files, mut kept) = (files(), Kept::default());
        for edit in edits {
            check(&files, &mut kept);
            apply(&mut files, &edit);
            prop_assert_eq!(check(&files, &mut kept).0, whole(&files));
        }
    }
}
