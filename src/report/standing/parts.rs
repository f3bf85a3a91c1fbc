//! A standing for an issue, a pull request or a page: the sum first, then what is of interest, kind by kind.

use std::collections::BTreeMap;

use super::{
    StandingReport, charts,
    fold::{Fold, fold},
    meaning, message, values,
};
use crate::{
    plan::{DeviceVerdict, Verdict},
    report::{
        Paper, notices,
        page::{Inline, Part, Piece, Table},
        places::origin,
        rollouts,
        value::pair,
        words,
    },
    twin::{DeviceId, PropertyPath},
};

/// Devices listed that are out of reach.
const LISTED: usize = 20;

pub(super) fn of(report: &StandingReport<'_>, paper: &Paper) -> Vec<Part> {
    let standing = report.standing;
    let mut parts = vec![head(report)];
    parts.extend(charts::part(report));
    parts.extend(since(report, paper));
    parts.extend(rollouts::parts_of(&standing.rollouts, paper));
    parts.extend(notices::part(&standing.notices, paper));
    folds(report, paper, &mut parts);
    parts.extend(unreachable(report));
    parts.extend(ignored(report, paper));
    parts
}

fn head(report: &StandingReport<'_>) -> Part {
    let (word, summary) = report.summary();
    let standing = report.standing;
    let fleet = Inline::of(format!("Fleet {} at ", standing.fleet)).code(words::short(&standing.revision));
    let fleet = match report.time() {
        Some(time) => fleet.prose(format!(", {time}")),
        None => fleet,
    };
    let row = |(verdict, devices, properties): (Verdict, u64, u64)| {
        let number = |n: u64| Inline::of(n.to_string());
        vec![Inline::of(verdict.word()), number(devices), number(properties), Inline::of(meaning(verdict))]
    };
    let head = vec![("verdict", false), ("devices", true), ("properties", true), ("", false)];
    let table = Table { head, rows: report.counts().map(row).collect() };
    let sum = Inline::default().strong(word).prose(format!(" {summary}"));
    Part::first("sum").say(sum).say(fleet).with(Piece::Table(table))
}

/// What stands like this since an earlier report only.
fn since(report: &StandingReport<'_>, paper: &Paper) -> Option<Part> {
    let earlier = report.past.since?;
    let mut found: BTreeMap<(Verdict, &PropertyPath), Vec<&DeviceId>> = BTreeMap::new();
    for (device, property) in earlier.new_ones(report.standing, report.lens) {
        found.entry((property.verdict, &property.path)).or_default().push(&device.device);
    }
    let mut lines: Vec<_> = found.into_iter().collect();
    lines.sort_by_key(|((verdict, _), devices)| std::cmp::Reverse((*verdict, devices.len())));
    let title = Inline::default().strong(report.news(earlier));
    let (shown, left_out) = lines.split_at(lines.len().min(paper.limits.groups));
    let item = |((verdict, path), devices): &((Verdict, &PropertyPath), Vec<&DeviceId>)| {
        let line = Inline::of(format!("{verdict} ")).code(path.to_string()).prose(": ");
        notices::named(line, devices.iter().copied(), devices.len(), paper.limits.samples)
    };
    let rest = words::more(left_out.len(), "path").map(Inline::of);
    let part = Part::folded("what is new", title).list(shown.iter().map(item).chain(rest));
    Some(Part { rank: crate::report::Rank::First, ..part })
}

fn folds(report: &StandingReport<'_>, paper: &Paper, parts: &mut Vec<Part>) {
    let folds = fold(report.standing, paper.limits.samples, |verdict| report.lens.lists(verdict, paper.detail));
    let (shown, left_out) = folds.split_at(folds.len().min(paper.limits.groups));
    let mut last = None;
    for fold in shown {
        let verdict = fold.of.verdict;
        if last.replace(verdict) != Some(verdict) {
            let title = Inline::default().strong(verdict.word()).prose(format!(": {}", meaning(verdict)));
            parts.push(Part::open(verdict.word()).titled(title));
        }
        parts.push(part(report, fold));
    }
    parts.extend(words::more(left_out.len(), "group").map(|rest| Part::open("rest").say(Inline::of(rest))));
    let unlisted = report.on_their_way(paper.detail);
    let told = |unlisted| Part::open("on their way").say(Inline::of(format!("{unlisted}, not listed here.")));
    parts.extend(unlisted.map(told));
}

fn part(report: &StandingReport<'_>, fold: &Fold<'_>) -> Part {
    let count = words::count(words::wide(fold.devices), "device");
    let path = fold.of.path.to_string();
    let title = Inline::of(format!("{}, {count}: ", fold.of.verdict)).code(format!("{path}{}", turn(fold)));
    let names = notices::named(Inline::default(), fold.samples.iter().copied(), fold.devices, usize::MAX);
    let said = |name: &str, text: String| Inline::of(format!("{name} ")).code(text);
    let values = values(fold).into_iter().map(|(name, value)| said(&format!("{name}:"), value.line()));
    let others = [
        fold.of.origin.as_ref().map(|place| said("declared in", origin(report.places, place))),
        message(fold.of).map(|message| said("the device says:", message.into_owned())),
        fold.of.by.as_ref().map(|by| said("written by configuration", by.clone())),
        fold.age().map(Inline::of),
    ];
    let part = Part::folded(format!("{}: {path}", fold.of.verdict), title).say(names);
    part.list(values.chain(others.into_iter().flatten()))
}

/// From what git says to what there is, where that is short: `  "a" -> "b"`.
fn turn(fold: &Fold<'_>) -> String {
    match &*values(fold) {
        [(_, wanted), .., (_, other)] if !wanted.is_long() && !other.is_long() => {
            let (wanted, other) = pair(*wanted, *other);
            format!("  {wanted} -> {other}")
        }
        _ => String::new(),
    }
}

/// The devices that do not answer because they are not there, those first that have been away longest.
fn unreachable(report: &StandingReport<'_>) -> Option<Part> {
    let away = report.away();
    let total = report.standing.devices.get(&Verdict::Unreachable).copied().unwrap_or(0);
    let item = |device: &&DeviceVerdict| {
        let seen = device.last_activity.as_deref().and_then(words::moment);
        let seen = seen.map_or_else(|| "never seen".to_owned(), |time| format!("last seen {time}"));
        Inline::default().code(device.device.as_str()).prose(format!(", {seen}"))
    };
    let more = total.saturating_sub(words::wide(away.len().min(LISTED)));
    let more = usize::try_from(more).ok().and_then(|more| words::more(more, "device"));
    let title = Inline::default().strong("unreachable").prose(format!(": {}", words::count(total, "device")));
    let items = away.iter().take(LISTED).map(item).chain(more.map(Inline::of));
    (total > 0).then(|| Part::folded("unreachable", title).list(items))
}

/// What is left alone, and who answers for it.
fn ignored(report: &StandingReport<'_>, paper: &Paper) -> Option<Part> {
    let standing = report.standing;
    let item = |(path, devices): (&String, &u64)| {
        let line = Inline::of("ignored: ").code(path).prose(format!(" on {}", words::count(*devices, "device")));
        match standing.ignores.get(path) {
            Some(entry) => line.prose(format!(" ({}: {}, until {})", entry.owner, entry.reason, entry.until)),
            None => line,
        }
    };
    let items = standing.ignored.iter().take(paper.limits.groups).map(item);
    (!standing.ignored.is_empty()).then(|| Part::open("ignored").list(items).last())
}
