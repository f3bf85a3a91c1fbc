//! Verdicts as pictures: by component, by tag, and over time.

use std::collections::BTreeMap;

use super::StandingReport;
use crate::{
    plan::Verdict,
    report::{
        chart::{Bar, Chart, Way},
        page::{Part, Piece},
        words,
    },
};

/// Bars of a picture; the rest is put together.
const BARS: usize = 24;

/// The pictures; a part without words, which markdown leaves out.
pub(super) fn part(report: &StandingReport<'_>) -> Option<Part> {
    let standing = report.standing;
    let by_tag = standing.by_tag.as_ref();
    let charts = [
        Some(rows("Devices by component".to_owned(), &standing.components)),
        by_tag.filter(|by| by.values.len() > 1).map(|by| rows(format!("Devices by {}", by.path), &by.values)),
        over_time(report),
    ];
    let charts: Vec<Chart> = charts.into_iter().flatten().filter(|chart| !chart.is_empty()).collect();
    let all = charts.into_iter().map(Piece::Chart).fold(Part::open("charts"), Part::with);
    (!all.pieces.is_empty()).then_some(all)
}

/// Worst first, so that it is seen even where there are many.
fn rows(title: String, counts: &BTreeMap<String, BTreeMap<Verdict, u64>>) -> Chart {
    let mut all: Vec<_> = counts.iter().collect();
    let drifted = |of: &BTreeMap<Verdict, u64>| of.iter().filter(|(v, _)| v.is_drift()).map(|(_, n)| n).sum::<u64>();
    all.sort_by_key(|(_, of)| std::cmp::Reverse((drifted(of), of.values().sum::<u64>())));
    let (shown, rest) = all.split_at(all.len().min(BARS));
    let mut bars: Vec<Bar> = shown.iter().map(|(name, of)| bar((*name).clone(), |v| of.get(&v).copied())).collect();
    if !rest.is_empty() {
        let name = format!("{} more", rest.len());
        bars.push(bar(name, |v| Some(rest.iter().filter_map(|(_, of)| of.get(&v)).sum())));
    }
    Chart { title, way: Way::Rows, bars, key: key() }
}

/// Devices that left what git says, report by report.
fn over_time(report: &StandingReport<'_>) -> Option<Chart> {
    let drifts = |verdict: Verdict, n: u64| if verdict.is_drift() { n } else { 0 };
    let mut history: Vec<_> = report.past.history.iter().collect();
    history.sort_by_key(|moment| moment.time);
    let mut bars: Vec<Bar> = history
        .iter()
        .map(|moment| {
            let name = words::moment(&moment.time.to_string()).unwrap_or_default().into_owned();
            bar(name, |verdict| moment.devices.get(verdict.word()).map(|n| drifts(verdict, *n)))
        })
        .collect();
    if bars.is_empty() {
        return None;
    }
    let now = report.time().unwrap_or_else(|| "now".to_owned());
    bars.push(bar(now, |verdict| report.standing.devices.get(&verdict).map(|n| drifts(verdict, *n))));
    Some(Chart { title: "Devices that left what git says, over time".to_owned(), way: Way::Columns, bars, key: key() })
}

fn key() -> Vec<&'static str> {
    Verdict::ALL.iter().map(|verdict| verdict.word()).collect()
}

fn bar(name: String, count: impl Fn(Verdict) -> Option<u64>) -> Bar {
    Bar { name, parts: Verdict::ALL.iter().map(|verdict| count(*verdict).unwrap_or(0)).collect() }
}
