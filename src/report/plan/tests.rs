//! Plans in every format.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json, value::RawValue};

use super::*;
use crate::{
    fleet::{GuardName, IdentityKind, IdentitySpec, Sku},
    plan::{
        Counts, Move, Notice, PlannedDevice,
        guard::{Grant, Leave, Margin, Ruling},
        quota::{Cost, Operation, Phase, Quota},
    },
    report::{
        Format, Limits,
        findings::tests::{Files, place},
        golden,
    },
    twin::DeviceId,
};

fn files() -> Files {
    Files(BTreeMap::from([("profiles/base.yaml", "kind: Profile\nspec:\n  ntpServer: b\n  motd: |\n")]))
}

fn delta(path: &str, from: Option<Value>, to: Option<Value>, why: Why) -> Delta {
    Delta { path: path.parse().unwrap(), from, to, why, origin: None, at: None, secret: false, claimed: None }
}

fn group(kind: GroupKind, deltas: Vec<Delta>, devices: impl IntoIterator<Item = String>) -> Group {
    let planned = |id: String| PlannedDevice {
        device: DeviceId::new(&id).unwrap(),
        etag: Some("AAAA".into()),
        register: None,
        managed: true,
    };
    Group {
        kind,
        deltas: deltas.into(),
        patch: RawValue::from_string("{}".into()).unwrap().into(),
        before: None,
        redacted: None,
        goes_back: false,
        devices: devices.into_iter().map(planned).collect(),
    }
}

fn many_kinds() -> Group {
    let motd = |line: &str| Some(json!(format!("Welcome\n{line}\nto the ```kiosk```\nof <b>@contoso</b>\nBye\n")));
    let secret = |why| Delta {
        secret: true,
        ..delta("properties.desired.windows.wifi.psk", Some(json!("hunter1")), Some(json!("hunter2")), why)
    };
    let mut group = group(
        GroupKind::Change,
        vec![
            Delta {
                origin: Some(place("profiles/base.yaml", "motd")),
                ..delta("properties.desired.motd", motd("one"), motd("two"), Why::Pending)
            },
            delta(
                "properties.desired.power.plan",
                Some(json!("\u{1b}[31mmax")),
                Some(json!("balanced")),
                Why::Edited { base: Some(json!("x")) },
            ),
            delta("properties.desired.time.zone", None, Some(json!("Europe/Berlin")), Why::Pending),
            secret(Why::Edited { base: Some(json!("hunter3")) }),
            Delta {
                origin: Some(place("profiles/old.yaml", "gone")),
                at: Some("aa1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".into()),
                ..delta("tags.old", Some(json!(["a", 1])), None, Why::Prune)
            },
            delta("tags.rogue", Some(json!(true)), None, Why::Forbidden),
        ],
        ["kiosk-0413".to_owned(), "kiosk-0414".to_owned()],
    );
    group.devices[1].etag = None;
    group.devices[1].register =
        Some(Box::new(IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None }));
    group
}

fn quota() -> Quota {
    let cost =
        |seconds: u64| Cost { at_least: Duration::from_secs(seconds), at_share: Duration::from_millis(seconds * 1250) };
    let phase = |operation, calls, seconds| Phase { operation, calls, cost: cost(seconds) };
    let phases = vec![phase(Operation::QueryPage, 1, 3), phase(Operation::TwinWrite, 10_000, 200)];
    Quota { sku: Sku::S1, units: 1, share: 0.8, phases, total: cost(203) }
}

/// One of each kind.
fn rulings() -> Vec<Ruling> {
    let ruling = |guard, message: &str, leave| Ruling {
        guard,
        message: message.into(),
        devices: 412,
        samples: vec![DeviceId::new("kiosk-0001").unwrap()],
        leave,
    };
    let grant = Grant { owner: "wifi-team".into(), reason: "new <b>keys</b>".into(), until: "2027-01-01".into() };
    vec![
        ruling(GuardName::MaxChanged, "values change on 412 of 790 managed devices; at most 20% are allowed", None),
        ruling(GuardName::MaxPruned, "values are pruned", Some(Leave::Allowed { by: "alice".into() })),
        ruling(GuardName::Protect, "the protected path `tags.old` would change", Some(Leave::Exempt(vec![grant]))),
    ]
}

/// One profile that takes devices over from another.
fn moves() -> Vec<Move> {
    let samples = vec![DeviceId::new("kiosk-0413").unwrap(), DeviceId::new("kiosk-0414").unwrap()];
    let place = Some(place("profiles/base.yaml", "kind"));
    let enters = Move { profile: "base".into(), enters: true, devices: 9, samples: samples.clone(), place };
    vec![enters, Move { profile: "old_@all".into(), enters: false, devices: 2, samples, place: None }]
}

fn plan() -> Plan {
    let ntp = Delta {
        origin: Some(place("profiles/base.yaml", "ntpServer")),
        ..delta("properties.desired.windows.timeInfo.ntpServer", Some(json!("a")), Some(json!("b")), Why::Pending)
    };
    Plan {
        fleet: "contoso-kiosks".into(),
        revision: "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".into(),
        groups: vec![
            group(GroupKind::Change, vec![ntp], (1..=412).map(|n| format!("kiosk-{n:04}"))),
            many_kinds(),
            group(GroupKind::Adopt, vec![], ["kiosk-0500".to_owned()]),
        ],
        counts: Counts { examined: 800, unchanged: 380, managed: 790, unselected: 5 },
        notices: vec![Notice {
            id: "base-unavailable",
            message: "the base revision is not in this clone; fetch with `--unshallow`, @all".into(),
            devices: 7,
            samples: vec![DeviceId::new("kiosk-0600").unwrap()],
        }],
        idle: Vec::new(),
        moves: moves(),
        hash: Some(format!("sha256:{}", "0123456789abcdef".repeat(4))),
        quota: Some(quota()),
        rulings: rulings(),
        margins: vec![Margin { guard: GuardName::MaxPruned, devices: 1, most: 25 }],
        ..Plan::default()
    }
}

#[test]
fn a_plan_is_told_in_every_format() {
    let (mut plan, files) = (plan(), files());
    plan.groups[0].devices.truncate(5);
    golden::check("plan/mixed", &PlanReport { plan: &plan, places: &files });
}

#[test]
fn what_rollouts_hold_back_is_told_apart() {
    let motd = delta("properties.desired.motd", Some(json!("a")), Some(json!("b")), Why::Pending);
    let group = |from: u32| group(GroupKind::Change, vec![motd.clone()], (from..from + 4).map(|n| format!("k-{n}")));
    let plan = Plan {
        fleet: "f".into(),
        revision: "r".into(),
        groups: vec![group(0), Group { goes_back: true, ..group(8) }],
        held: vec![group(4)],
        ..Plan::default()
    };
    golden::check("plan/held", &PlanReport { plan: &plan, places: &files() });
}

#[test]
fn a_plan_without_changes_says_so() {
    let files = files();
    let plan = Plan { counts: Counts { unchanged: 3, ..Counts::default() }, fleet: "f".into(), ..Plan::default() };
    golden::check("plan/empty", &PlanReport { plan: &plan, places: &files });
}

#[test]
fn identical_patches_are_one_group_with_samples() {
    let (plan, files) = (plan(), files());
    let text = golden::told(&PlanReport { plan: &plan, places: &files }, Format::Text, &Paper::default());
    assert!(text.starts_with("412 devices: kiosk-0001, kiosk-0002, kiosk-0003, +409\n"), "{text}");
    assert!(text.lines().count() < 40, "{text}");
}

#[test]
fn no_format_shows_a_secret_or_an_escape_of_the_terminal() {
    let (plan, files) = (plan(), files());
    for format in Format::ALL {
        let text = golden::told(&PlanReport { plan: &plan, places: &files }, format, &Paper::default());
        assert!(!text.contains("hunter") && text.contains("(secret)"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let (plan, files) = (plan(), files());
    let report = PlanReport { plan: &plan, places: &files };
    let told = |format, limits| golden::told(&report, format, &Paper { limits, ..Paper::default() });
    let few = Limits { groups: 1, ..Limits::default() };
    assert!(told(Format::Text, few).contains("and 2 more groups with 6 properties"));
    assert!(told(Format::Markdown, few).contains("and 2 more groups with 6 properties"));
    let small = Limits { bytes: 700, ..Limits::default() };
    assert!(told(Format::Markdown, small).contains("For want of room: "));
    let short = Limits { lines: 2, ..Limits::default() };
    assert!(told(Format::Text, short).contains("and 4 more properties"));
    assert!(told(Format::Text, short).contains("more lines"));
}

#[test]
fn colour_is_there_when_it_is_asked_for() {
    let (plan, files) = (plan(), files());
    let paper = Paper { colour: true, ..Paper::default() };
    let text = golden::told(&PlanReport { plan: &plan, places: &files }, Format::Text, &paper);
    assert!(text.contains("\u{1b}[33m~\u{1b}[0m"), "{text}");
}

/// `count` devices of which each has values of its own besides those that all share.
fn unique(count: usize) -> Plan {
    let device = |n: usize| {
        let new = |path: &str, to: Value| delta(path, None, Some(to), Why::Pending);
        let origin = |line: &str| Some(place("profiles/base.yaml", line));
        let motd =
            Delta { origin: origin("motd"), ..new("properties.desired.files.motd", json!(format!("I am {n}\n"))) };
        let ntp = Delta {
            origin: origin(if n.is_multiple_of(2) { "ntpServer" } else { "motd" }),
            ..new("properties.desired.time.ntpServer", json!("b"))
        };
        let site = new("tags.site", json!(if n < 2 { "oslo" } else { "bergen" }));
        let deltas = vec![motd, new("properties.desired.time.__t", json!("c")), ntp, site];
        group(GroupKind::Change, deltas, [format!("kiosk-{n:04}")])
    };
    let mut groups: Vec<_> = (0..count).map(device).collect();
    let marker = delta("properties.desired.time.__t", None, Some(json!("c")), Why::Pending);
    groups.push(group(GroupKind::Change, vec![marker], ["kiosk-9000".to_owned()]));
    groups.extend(["kiosk-9001", "kiosk-9002"].map(|id| group(GroupKind::Adopt, vec![], [id.to_owned()])));
    Plan { fleet: "contoso-kiosks".into(), revision: "r".into(), groups, ..Plan::default() }
}

#[test]
fn a_change_that_devices_share_is_told_once_however_their_patches_differ() {
    let (plan, files) = (unique(20), files());
    golden::check("plan/unique", &PlanReport { plan: &plan, places: &files });
}

#[test]
fn few_single_devices_are_told_one_by_one() {
    let (plan, files) = (unique(5), files());
    let text = golden::told(&PlanReport { plan: &plan, places: &files }, Format::Text, &Paper::default());
    assert!(text.starts_with("5 devices: kiosk-0000, kiosk-0001, kiosk-0002, +2\n"), "{text}");
    assert_eq!((0..5).filter(|n| text.contains(&format!("\"I am {n}\\n\""))).count(), 5, "{text}");
}

#[test]
fn people_are_not_shown_what_marks_components_and_programs_are() {
    let (plan, files) = (unique(20), files());
    let report = PlanReport { plan: &plan, places: &files };
    for format in [Format::Text, Format::Markdown] {
        assert!(!golden::told(&report, format, &Paper::default()).contains("__t"));
    }
    assert!(golden::told(&report, Format::Json, &Paper::default()).contains("__t"));
}

#[test]
fn every_change_of_every_device_is_in_exactly_one_block() {
    let plan = unique(20);
    let blocks = blocks::blocks(&plan.groups);
    let told: usize = blocks.iter().map(|block| block.devices * block.entries.len()).sum();
    assert_eq!(told, 20 * 3);
    let bare: usize = blocks.iter().filter(|block| block.entries.is_empty()).map(|block| block.devices).sum();
    assert_eq!(bare, 3);
}

#[test]
fn the_order_of_groups_does_not_matter() {
    let (plan, files) = (unique(20), files());
    let mut turned = plan.clone();
    turned.groups.reverse();
    let told = |plan| golden::told(&PlanReport { plan, places: &files }, Format::Text, &Paper::default());
    assert_eq!(told(&plan).replace("yaml:3", "yaml:4"), told(&turned).replace("yaml:3", "yaml:4"));
}
