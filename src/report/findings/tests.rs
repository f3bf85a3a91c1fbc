//! Findings in every format.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    fleet::{Place, Target},
    report::{Format, Limits, Location, golden},
};

/// Files in memory; a place is found by the text that its pointer names.
pub(crate) struct Files(pub(crate) BTreeMap<&'static str, &'static str>);

impl Places for Files {
    fn locate(&self, place: &Place) -> Option<Location> {
        let text = self.0.get(&*place.file)?;
        let (Target::Value(needle) | Target::Key(needle)) = &place.target else { return None };
        let from = text.find(needle.as_str())?;
        let before = &text[..from];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Some(Location {
            file: place.file.clone(),
            line,
            column,
            end: (line, column + needle.len()),
            span: from..from + needle.len(),
        })
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        self.0.get(file).map(|text| Arc::from(*text))
    }
}

pub(crate) fn place(file: &str, needle: &str) -> Place {
    Place { file: file.into(), document: 0, target: Target::Value(needle.to_owned()) }
}

const BASE: &str =
    "kind: Profile\nmetadata: { name: base }\nspec:\n  priority: 10\n  desired:\n    time: { ntpServer: 17 }\n";
const KIOSK: &str =
    "kind: Profile\nmetadata: { name: kiosk }\nspec:\n  prioritty: 10\n  desired:\n    time: { ntpServer: b }\n";

fn files() -> Files {
    Files(BTreeMap::from([("profiles/base.yaml", BASE), ("profiles/kiosk.yaml", KIOSK)]))
}

fn findings() -> Vec<Finding> {
    vec![
        Finding::error("unknown-property", "`prioritty` is not a property of a Profile")
            .at(place("profiles/kiosk.yaml", "prioritty"))
            .label("not known")
            .help("did you mean `priority`?"),
        Finding::error("equal-priority-conflict", "two profiles of priority 10 set `time.ntpServer` differently")
            .at(place("profiles/kiosk.yaml", "ntpServer: b"))
            .label("set here")
            .with(place("profiles/base.yaml", "ntpServer: 17"), "and here")
            .with(place("profiles/base.yaml", "priority: 10"), "of the same priority"),
        Finding::warning("expired-ignore", "an ignore has expired\u{1b}[2J").at(place("fleet.yaml", "until")),
        Finding::error("no-fleet", "there is no document of kind Fleet").help("add one: `kind: Fleet`"),
    ]
}

#[test]
fn findings_are_told_in_every_format() {
    let (findings, files) = (findings(), files());
    golden::check("findings/mixed", &Findings { findings: &findings, waived: &[], documents: 120, places: &files });
}

#[test]
fn what_is_waived_is_told_with_its_reason_and_counts_for_nothing() {
    let files = files();
    let finding = Finding::warning("yaml-trap", "`on` is a text here").at(place("profiles/base.yaml", "ntpServer"));
    let waived = [Waived { finding, reason: "our <tools> read YAML 1.2".into() }];
    let report = Findings { findings: &[], waived: &waived, documents: 2, places: &files };
    golden::check("findings/waived", &report);
    let detailed = golden::told(&report, Format::Text, &Paper { detail: true, ..Paper::default() });
    assert!(detailed.contains("waived[yaml-trap]: `on` is a text here (profiles/base.yaml:6)"), "{detailed}");
    assert!(detailed.contains("because our <tools> read YAML 1.2"), "{detailed}");
}

#[test]
fn no_format_shows_the_line_of_a_secret() {
    const WIFI: &str =
        "spec:\n  desired:\n    a: 1\n    # before\n    wifi: { psk: hunter2, sid: x }\n    # after\n    b: 2\n";
    let files = Files(BTreeMap::from([("wifi.yaml", WIFI)]));
    let findings = [
        Finding::error("clear-text-secret", "`psk` looks like a secret in clear text")
            .at(place("wifi.yaml", "psk"))
            .help("take it out")
            .hidden(),
        Finding::error("unknown-property", "there is no `sid`").at(place("wifi.yaml", "sid")).label("not known"),
        Finding::error("unknown-property", "there is no `a`").at(place("wifi.yaml", "a: 1")).label("not known"),
        Finding::error("twice", "two values")
            .at(place("wifi.yaml", "# before"))
            .with(place("wifi.yaml", "# after"), "and"),
    ];
    let report = Findings { findings: &findings, waived: &[], documents: 1, places: &files };
    for format in Format::ALL {
        let told = golden::told(&report, format, &Paper::default());
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("looks like a secret in clear text"), "{told}");
    }
    let text = golden::told(&report, Format::Text, &Paper::default());
    let hidden = "error[clear-text-secret]: `psk` looks like a secret in clear text\n--> wifi.yaml:5\n";
    assert!(text.starts_with(hidden) && text.contains("help: take it out"), "{text}");
    assert!(text.contains("--> wifi.yaml:5\n = note: not known") && text.contains("3 |     a: 1"), "{text}");
    let markdown = golden::told(&report, Format::Markdown, &Paper::default());
    assert!(markdown.contains("**error** `clear-text-secret`: ") && markdown.contains("(`wifi.yaml:5`)"), "{markdown}");
}

#[test]
fn nothing_found_is_said() {
    let files = files();
    golden::check("findings/none", &Findings { findings: &[], waived: &[], documents: 1, places: &files });
}

#[test]
fn what_is_left_out_is_counted() {
    let (findings, files) = (findings(), files());
    let report = Findings { findings: &findings, waived: &[], documents: 3, places: &files };
    let paper = Paper { limits: Limits { groups: 1, ..Limits::default() }, ..Paper::default() };
    for format in [Format::Text, Format::Markdown, Format::Github] {
        let text = golden::told(&report, format, &paper);
        assert!(text.contains("3 findings") || text.contains("and 3 more"), "{text}");
    }
    let paper = Paper { limits: Limits { bytes: 200, ..Limits::default() }, ..Paper::default() };
    assert!(golden::told(&report, Format::Markdown, &paper).contains("For want of room: "));
}

#[test]
fn a_place_beyond_its_file_does_no_harm() {
    struct Beyond;
    impl Places for Beyond {
        fn locate(&self, place: &Place) -> Option<Location> {
            Some(Location { file: place.file.clone(), line: 9, column: 9, end: (9, 9), span: 5..900 })
        }
        fn text(&self, _: &str) -> Option<Arc<str>> {
            Some("ä€".into())
        }
    }
    let findings = [Finding::error("x", "y").at(place("a.yaml", "z"))];
    let report = Findings { findings: &findings, waived: &[], documents: 1, places: &Beyond };
    assert!(golden::told(&report, Format::Text, &Paper::default()).contains("error[x]: y"));
}
