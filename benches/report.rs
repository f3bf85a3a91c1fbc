//! Telling a large fleet: `cargo bench --bench report [-- DEVICES]`, 30,000 devices in 200 groups unless told, of a fleet
//! of 100,000.
//!
//! How long each format takes, how long its text is beside what forges take, and how much memory telling needs. There is
//! no peer: no other tool tells device twins. The bar is a second, and every forge's limit.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{json, value::RawValue};
use support::{figure, heading, median, peak_mb, size, timed};
use twinops::{
    plan::{Delta, DeviceVerdict, Group, GroupKind, Plan, PlannedDevice, PropertyVerdict, Standing, Verdict, Why},
    report::{
        Format, Lens, Limit, Limits, Nowhere, Paper, Past, PlanReport, Report, StandingReport, fit, markdown, write,
    },
    twin::DeviceId,
};

const FLEET: u64 = 100_000;
const GROUPS: u64 = 200;
const RUNS: usize = 5;

fn main() {
    let devices = size(30_000);
    heading(&format!("a report of {FLEET} devices, {devices} of them in {GROUPS} groups"));
    let (standing, plan) = (standing(devices), plan(devices));
    let before = peak_mb();
    let drift = StandingReport { standing: &standing, places: &Nowhere, lens: Lens::Drift, past: Past::default() };
    told("drift", &drift);
    told("plan", &PlanReport { plan: &plan, places: &Nowhere });
    figure("more memory at most while telling", peak_mb() - before, "MB", "50");
}

fn told(name: &str, report: &dyn Report) {
    let paper = Paper { limits: Limits { groups: 1000, ..Limits::default() }, ..Paper::default() };
    for format in [Format::Text, Format::Markdown, Format::Html, Format::Json] {
        let mut length = 0;
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let mut count = Count(0);
            let ((), cost) = timed(|| write(report, format, &paper, &mut count).expect("nothing is written to"));
            times.push(cost.time.as_secs_f64() * 1e3);
            length = count.0;
        }
        figure(&format!("{name}, {} ({} KB)", format.word(), length / 1000), median(&mut times), "ms", "1000");
    }
    let limits = [
        ("comment on GitHub", Limit::GITHUB_COMMENT),
        ("check run on GitHub", Limit::GITHUB_CHECK),
        ("step summary on GitHub", Limit::GITHUB_SUMMARY),
        ("note on GitLab", Limit::GITLAB),
        ("comment on Azure DevOps", Limit::AZURE_DEVOPS),
    ];
    for (place, limit) in limits {
        let (fitted, cost) = timed(|| markdown(report, &paper, limit));
        let length = limit.measure(&fitted.text);
        assert!(length <= limit.most(), "{place}: {length}");
        let missing = fitted.folded.len() + fitted.left_out.len();
        let what = format!("{name}, {place}: {length} of {}, {missing} parts shorter", limit.most());
        figure(&what, cost.time.as_secs_f64() * 1e3, "ms", "1000");
    }
    assert!(fit(&[], Limit::GITLAB).is_whole(), "nothing fits everywhere");
}

/// Counts what is written.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn device(index: u64) -> DeviceId {
    DeviceId::new(&format!("kiosk-{index:06}")).expect("an id")
}

fn path(group: u64) -> twinops::twin::PropertyPath {
    format!("properties.desired.component{}.setting{group}", group % 12).parse().expect("a path")
}

fn standing(devices: u64) -> Standing {
    let verdicts = [Verdict::Drifted, Verdict::Edited, Verdict::Rejected];
    let verdict = |group: u64| verdicts[usize::try_from(group % 3).expect("below three")];
    let property = |group: u64| PropertyVerdict {
        path: path(group),
        verdict: verdict(group),
        wanted: Some(json!(format!("value of @group {group}"))),
        live: Some(json!(format!("value of @group {group}"))),
        reported: Some(json!(format!("<b>something else</b> {group}"))),
        since: Some("2026-09-01T08:00:00.1234567Z".to_owned()),
        message: Some(format!("the device #{group} says `no`")),
        by: None,
        origin: None,
        secret: false,
    };
    let outstanding = |index: u64| DeviceVerdict {
        device: device(index),
        verdict: verdict(index % GROUPS),
        connected: true,
        last_activity: None,
        revision: Some("1".repeat(40)),
        compliant: 40,
        properties: vec![property(index % GROUPS)],
        ignored: std::collections::BTreeSet::new(),
        awaits_rollout: false,
    };
    let mut counts = BTreeMap::from([(Verdict::Compliant, FLEET.saturating_sub(devices))]);
    (0..devices).for_each(|index| *counts.entry(verdict(index % GROUPS)).or_default() += 1);
    Standing {
        fleet: "bench".to_owned(),
        revision: "1".repeat(40),
        devices: counts.clone(),
        properties: counts,
        outstanding: (0..devices).map(outstanding).collect(),
        ..Standing::default()
    }
}

fn plan(devices: u64) -> Plan {
    let group = |at: u64| {
        let delta = Delta {
            path: path(at),
            from: Some(json!(format!("a value of @group {at}"))),
            to: Some(json!(format!("another value of @group {at}"))),
            why: Why::Pending,
            origin: None,
            at: None,
            secret: false,
            claimed: None,
        };
        let planned = |index| PlannedDevice {
            device: device(index),
            etag: Some("AAAAAAAAAAE=".into()),
            managed: true,
            register: None,
        };
        let patch: Arc<RawValue> = RawValue::from_string("{}".to_owned()).expect("JSON").into();
        Group {
            kind: GroupKind::Change,
            deltas: vec![delta].into(),
            patch,
            before: None,
            redacted: None,
            goes_back: false,
            devices: (0..devices).filter(|index| index % GROUPS == at).map(planned).collect(),
        }
    };
    let groups = (0..GROUPS).map(group).collect();
    Plan { fleet: "bench".to_owned(), revision: "1".repeat(40), groups, ..Plan::default() }
}
