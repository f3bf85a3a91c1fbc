//! Standings in every format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    fleet::IgnoreSpec,
    plan::{ByTag, DeviceVerdict, Notice, PropertyVerdict},
    report::{
        Format, Limit, Limits,
        findings::tests::{Files, place},
        golden, markdown,
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

fn away(path: &str) -> PropertyVerdict {
    property(path, Verdict::Unreachable, [Some(json!(1)), Some(json!(1)), None])
}

fn ignore() -> IgnoreSpec {
    IgnoreSpec {
        path: "properties.desired.deviceBridge".into(),
        owner: "bridge-team".into(),
        reason: "set by the gateway".into(),
        until: "2027-03-01".into(),
    }
}

/// A report on one of the devices that still drifts, and on one that does no more.
fn earlier() -> Earlier {
    let text = r#"{"version": 1, "kind": "standing", "fleet": "contoso-kiosks", "revision": "r1",
        "time": "2026-09-01T08:00:00.5Z", "devices": {}, "outstanding": [
            {"id": "kiosk-0001", "properties": [{"path": "properties.desired.time.ntpServer", "verdict": "drifted"}]},
            {"id": "kiosk-0900", "properties": [{"path": "tags.ring", "verdict": "edited"}]},
            {"id": "kiosk-0901", "properties": [{"path": "tags.ring", "verdict": "pending"}]}]}"#;
    Earlier::read(text.as_bytes(), "contoso-kiosks").unwrap()
}

fn history() -> Vec<Moment> {
    let moment = |time: &str, drifted| Moment {
        time: time.parse().unwrap(),
        devices: BTreeMap::from([("drifted".to_owned(), drifted), ("compliant".to_owned(), 390)]),
    };
    vec![moment("2026-09-01T08:00:00Z", 1), moment("2026-08-31T08:00:00Z", 7)]
}

fn report<'a>(standing: &'a Standing, places: &'a Files, lens: Lens) -> StandingReport<'a> {
    StandingReport { standing, places, lens, past: Past::default() }
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
            (Verdict::Unreachable, 2),
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
            device("kiosk-0013", vec![away("tags.a")]),
            device("kiosk-0012", vec![away("tags.b")]),
            device("kiosk-0004", vec![pending]),
        ],
        ignored: BTreeMap::from([("properties.desired.deviceBridge".to_owned(), 12)]),
        ignores: BTreeMap::from([("properties.desired.deviceBridge".to_owned(), ignore())]),
        components: BTreeMap::from([
            ("tags".to_owned(), BTreeMap::from([(Verdict::Pending, 1), (Verdict::Contested, 1)])),
            ("time".to_owned(), BTreeMap::from([(Verdict::Compliant, 380), (Verdict::Drifted, 3)])),
        ]),
        by_tag: Some(ByTag {
            path: "tags.building".parse().unwrap(),
            values: BTreeMap::from([
                ("<b>@oslo</b>".to_owned(), BTreeMap::from([(Verdict::Compliant, 300), (Verdict::Drifted, 3)])),
                ("bergen".to_owned(), BTreeMap::from([(Verdict::Compliant, 80), (Verdict::Unreachable, 2)])),
            ]),
        }),
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
    golden::check("standing/status", &report(&standing, &files, Lens::Status));
}

#[test]
fn what_is_on_its_way_is_counted_and_listed_only_in_detail() {
    let (standing, files) = (standing(), files());
    let report = report(&standing, &files, Lens::Status);
    let brief = Paper::default();
    let full = Paper { detail: true, ..brief };
    for (format, path) in [(Format::Text, "pending      tags.site"), (Format::Markdown, "<code>tags.site  ")] {
        let (short, long) = (golden::told(&report, format, &brief), golden::told(&report, format, &full));
        assert!(!short.contains(path) && short.contains("1 property is on its way"), "{short}");
        assert!(long.contains(path) && !long.contains("on its way"), "{long}");
    }
    assert!(golden::told(&report, Format::Json, &brief).contains("tags.site"));
}

#[test]
fn drift_leaves_out_what_is_on_its_way() {
    let (standing, files) = (standing(), files());
    let (earlier, history) = (earlier(), history());
    let time = Some("2026-09-02T08:00:00.123Z".parse().unwrap());
    let past = Past { time, since: Some(&earlier), history: &history };
    let report = StandingReport { past, ..report(&standing, &files, Lens::Drift) };
    golden::check("standing/drift", &report);
    assert!(!golden::told(&report, Format::Json, &Paper::default()).contains("tags.site"));
}

#[test]
fn what_is_new_is_told_against_an_earlier_report() {
    let (standing, files, earlier) = (standing(), files(), earlier());
    let past = Past { since: Some(&earlier), ..Past::default() };
    let told = |lens, format| {
        let report = StandingReport { past, ..report(&standing, &files, lens) };
        golden::told(&report, format, &Paper::default())
    };
    let words = "4 verdicts new since 2026-09-01T08:00:00Z, 1 gone";
    for format in [Format::Text, Format::Markdown, Format::Html] {
        assert!(told(Lens::Drift, format).contains(words), "{}", told(Lens::Drift, format));
    }
    // What was on its way then is of interest to `status` alone.
    assert!(told(Lens::Status, Format::Text).contains("7 verdicts new since 2026-09-01T08:00:00Z, 2 gone"));
}

#[test]
fn who_is_out_of_reach_is_told_with_when_they_were_seen() {
    let (standing, files) = (standing(), files());
    let told = |format| golden::told(&report(&standing, &files, Lens::Drift), format, &Paper::default());
    assert!(told(Format::Markdown).contains("`kiosk-0012`, last seen 2026-09-02T08:00:00Z"));
    assert!(told(Format::Markdown).contains("`kiosk-0013`, never seen"));
    assert!(told(Format::Text).contains("unreachable  2 devices: kiosk-0013, kiosk-0012; kiosk-0013: never seen"));
}

#[test]
fn a_page_draws_components_tags_waves_and_time_and_needs_nothing_else() {
    let (standing, files, history) = (standing(), files(), history());
    let past = Past { history: &history, ..Past::default() };
    let report = StandingReport { past, ..report(&standing, &files, Lens::Drift) };
    let page = golden::told(&report, Format::Html, &Paper::default());
    for title in ["by component", "by tags.building", "by wave of kiosks", "over time"] {
        assert!(page.contains(&format!("{title}</figcaption>")), "{title}");
    }
    assert!(
        !page.contains("http:")
            && !page.contains("https:")
            && !page.contains("<script")
            && !page.contains("src=")
            && !page.contains("url(")
    );
    // The bars of time stand in its order: the older report has more drift.
    let (old, new) = (page.find("2026-08-31T08:00:00Z: 7 drifted"), page.find("2026-09-01T08:00:00Z: 1 drifted"));
    assert!(old.is_some() && old < new);
}

#[test]
fn no_format_shows_a_secret_even_when_the_device_does() {
    let (standing, files) = (standing(), files());
    for format in Format::ALL {
        let report = report(&standing, &files, Lens::Status);
        let text = golden::told(&report, format, &Paper::default());
        assert!(!text.contains("hunter2") && text.contains("(secret)"), "{text}");
    }
}

#[test]
fn many_devices_with_one_verdict_are_told_once() {
    let mut standing = Standing { rollouts: Vec::new(), by_tag: None, ..standing() };
    standing.outstanding = (0..5000).map(|n| device(&format!("kiosk-{n:04}"), vec![drifted(n % 24)])).collect();
    let files = files();
    let report = report(&standing, &files, Lens::Drift);
    let paper = Paper { limits: Limits { samples: 2, ..Limits::default() }, ..Paper::default() };
    let text = golden::told(&report, Format::Text, &paper);
    assert!(text.contains("5000 devices: kiosk-0000, kiosk-0001, +4998"), "{text}");
    assert!(text.contains("since 2026-09-01T00:00:00Z to 2026-09-01T23:00:00Z"), "{text}");
    assert!(text.lines().count() < 30, "{text}");
}

#[test]
fn drift_of_a_large_fleet_fits_every_forge_and_says_what_is_missing() {
    let property = |group: usize| PropertyVerdict {
        message: Some(format!("@admin says {group} <b>times</b>: {}", "é|`".repeat(20))),
        ..property(
            &format!("properties.desired.c{}.p{group}", group % 9),
            Verdict::Rejected,
            [Some(json!(group)), None, None],
        )
    };
    let outstanding = (0..30_000).map(|n| device(&format!("kiosk-{n:05}"), vec![property(n % 200)])).collect();
    let (standing, files) = (Standing { outstanding, ..standing() }, files());
    let report = report(&standing, &files, Lens::Drift);
    let paper = Paper { limits: Limits { groups: 1000, ..Limits::default() }, ..Paper::default() };
    for limit in [Limit::GITHUB_COMMENT, Limit::GITHUB_CHECK, Limit::GITHUB_SUMMARY, Limit::AZURE_DEVOPS, Limit::GITLAB]
    {
        let fitted = markdown(&report, &paper, limit);
        assert!(limit.measure(&fitted.text) <= limit.most());
        assert_eq!(fitted.text.contains("For want of room: "), !fitted.is_whole());
        assert_eq!(fitted.text.matches("<details>").count(), fitted.text.matches("</details>").count());
        // Each of the groups has its line at least.
        assert_eq!(fitted.text.matches("rejected, 150 devices").count(), 200, "{limit:?}");
    }
    assert!(!markdown(&report, &paper, Limit::GITHUB_COMMENT).is_whole());
}
