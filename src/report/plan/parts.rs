//! A plan for a pull request or a page: the sum first, then what may be lost, then what else a reviewer asks, and the
//! changes folded away.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    PlanReport,
    blocks::{Block, Entry, blocks},
    hazard, provenance, quota, rest, said, sign,
};
use crate::{
    plan::{Group, Move, Why},
    report::{
        Paper,
        chart::{Bar, Chart, Way},
        diff::Line,
        escape::plain,
        notices,
        page::{Inline, Part, Piece},
        places, rollouts, rulings, words,
    },
    twin::{PropertyPath, Section},
};

/// Bars of the picture.
const BARS: usize = 24;
/// Parts of a twin that the heading of a folded block names.
const NAMED: usize = 5;

pub(super) fn of(report: &PlanReport<'_>, paper: &Paper) -> Vec<Part> {
    let plan = report.plan;
    let mut parts = vec![head(report)];
    parts.extend(hazard::part(report, paper));
    parts.extend(rulings::part(&plan.rulings, paper));
    parts.extend(margins(report));
    parts.extend(plan.quota.as_ref().map(quota::part));
    parts.extend(moves(report, paper));
    parts.extend(notices::part(&plan.notices, paper));
    parts.extend(chart(report));
    parts.extend(rollouts::parts_of(plan.rollouts.states(), paper));
    groups(report, &plan.groups, paper, &mut parts);
    if !plan.held.is_empty() {
        let title = Inline::default().strong("Held by rollouts, for a later run:");
        parts.push(Part::open("held by rollouts").titled(title));
        groups(report, &plan.held, paper, &mut parts);
    }
    parts
}

fn head(report: &PlanReport<'_>) -> Part {
    let plan = report.plan;
    let sum = Inline::default().strong("Plan:").prose(format!(" {}", report.summary()));
    let fleet = Inline::of(format!("Fleet {} at ", plan.fleet)).code(words::short(&plan.revision));
    let fleet = match &plan.hash {
        Some(hash) => fleet.prose(", plan ").code(hash),
        None => fleet,
    };
    Part::first("sum").say(sum).say(fleet)
}

/// How near the plan comes to the guards that it passes.
fn margins(report: &PlanReport<'_>) -> Option<Part> {
    let told = rulings::margins(&report.plan.margins)?;
    Some(Part::first("limits of guards").say(Inline::default().strong("Guards:").prose(format!(" {told}"))))
}

/// Who enters and who leaves a selector.
fn moves(report: &PlanReport<'_>, paper: &Paper) -> Option<Part> {
    let moves = &report.plan.moves;
    let item = |moved: &Move| {
        let (count, verb) = (words::count(moved.devices, "device"), if moved.enters { "enter" } else { "leave" });
        let line = Inline::of(format!("{count} {verb} ")).code(&*moved.profile).prose(": ");
        let total = usize::try_from(moved.devices).unwrap_or(usize::MAX);
        let line = notices::named(line, &moved.samples, total, paper.limits.samples);
        match &moved.place {
            Some(place) => line.prose(" (").code(places::origin(report.places, place)).prose(")"),
            None => line.prose(" (no longer declared)"),
        }
    };
    let (shown, left_out) = moves.split_at(moves.len().min(paper.limits.groups));
    let rest = words::more(left_out.len(), "profile").map(Inline::of);
    let title = Inline::default().strong("selectors").prose(format!(": {}", sum(moves)));
    (!moves.is_empty()).then(|| Part::folded("selectors", title).list(shown.iter().map(item).chain(rest)))
}

/// `12 enter, 3 leave`, in devices and profiles.
fn sum(moves: &[Move]) -> String {
    let count = |enters: bool| moves.iter().filter(|moved| moved.enters == enters).map(|moved| moved.devices).sum();
    words::parts([(count(true), "times a device enters a profile"), (count(false), "times one leaves")])
}

/// Devices by the component that changes.
fn chart(report: &PlanReport<'_>) -> Option<Part> {
    let mut found: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for group in &report.plan.groups {
        let mut components: BTreeMap<&str, usize> = BTreeMap::new();
        for delta in &*group.deltas {
            let prunes = usize::from(delta.why == Why::Prune);
            let worst = components.entry(component(&delta.path)).or_default();
            *worst = prunes.max(*worst);
        }
        for (name, kind) in components {
            found.entry(name).or_default()[kind] += words::wide(group.devices.len());
        }
    }
    let mut bars: Vec<Bar> = Vec::new();
    bars.extend(found.into_iter().map(|(name, parts)| Bar { name: name.to_owned(), parts: parts.to_vec() }));
    bars.sort_by_key(|bar| Reverse(bar.parts.iter().sum::<u64>()));
    bars.truncate(BARS);
    let title = "Devices that change, by component".to_owned();
    let chart = Chart { title, way: Way::Rows, bars, key: vec!["change", "prune"] };
    (!chart.is_empty()).then(|| Part::open("charts").with(Piece::Chart(chart)))
}

fn groups(report: &PlanReport<'_>, groups: &[Group], paper: &Paper, parts: &mut Vec<Part>) {
    let blocks = blocks(groups);
    let (shown, left_out) = blocks.split_at(blocks.len().min(paper.limits.groups));
    parts.extend(shown.iter().map(|block| part(report, block, paper)));
    parts.extend(rest(left_out).map(|rest| Part::open("rest").say(Inline::of(format!("{rest}.")))));
}

fn part(report: &PlanReport<'_>, block: &Block<'_>, paper: &Paper) -> Part {
    let mut body = String::new();
    let (shown, left_out) = block.entries.split_at(block.entries.len().min(paper.limits.lines));
    for entry in shown {
        self::entry(report, entry, paper, &mut body);
    }
    if !left_out.is_empty() {
        let more = words::count(words::wide(left_out.len()), "more property");
        words::push(&mut body, format_args!("  … and {more}\n"));
    }
    let names = notices::named(Inline::default(), block.samples(paper.limits.samples), block.devices, usize::MAX);
    let names = match block.remark().filter(|_| !body.is_empty()) {
        Some(remark) => names.prose(format!(" ({remark})")),
        None => names,
    };
    let title = Inline::of(format!("{}: ", block.count())).and(title(block));
    let part = Part::folded(name(block), title).say(names);
    if body.is_empty() { part } else { part.with(Piece::Diff(body)) }
}

/// By what a block is missed.
fn name(block: &Block<'_>) -> String {
    let first = block.entries.first().map(|entry| entry.delta().path.to_string());
    format!("{}: {}", block.count(), first.or_else(|| block.remark()).unwrap_or_default())
}

/// What the folded block says of itself: its one change, or the parts of the twin that it touches.
fn title(block: &Block<'_>) -> Inline {
    match &*block.entries {
        [] => Inline::of(block.remark().unwrap_or_default()),
        [only] => Inline::default().code(format!("{}  {}", only.delta().path, said(only))),
        entries => {
            let mut parts: Vec<&str> = entries.iter().map(|entry| component(&entry.delta().path)).collect();
            parts.dedup();
            let more = parts.len().saturating_sub(NAMED);
            parts.truncate(NAMED);
            let count = words::count(words::wide(entries.len()), "property");
            let line = Inline::of(format!("{count} in ")).codes(parts);
            if more > 0 { line.prose(format!(", +{more}")) } else { line }
        }
    }
}

/// The tags, or the component that a path leads into.
pub(super) fn component(path: &PropertyPath) -> &str {
    match (path.section, path.keys.first()) {
        (Section::Tags, _) | (_, None) => path.section.prefix(),
        (_, Some(key)) => key,
    }
}

fn entry(report: &PlanReport<'_>, entry: &Entry<'_>, paper: &Paper, body: &mut String) {
    let delta = entry.delta();
    // GitHub colours `!` for changes; `~` would stay grey.
    let sign = match sign(delta) {
        '~' => '!',
        sign => sign,
    };
    let (path, provenance) = (plain(&delta.path.to_string()), plain(&provenance(report, entry)));
    let Some((lines, left_out)) = entry.unified(paper.limits.lines) else {
        return words::push(body, format_args!("{sign} {path}  {}{provenance}\n", said(entry)));
    };
    words::push(body, format_args!("{sign} {path}{provenance}\n"));
    for Line { sign, text } in lines {
        words::push(body, format_args!("{}\n", format!("{sign}     {text}").trim_end()));
    }
    if left_out > 0 {
        words::push(body, format_args!("      … and {}\n", words::count(words::wide(left_out), "more line")));
    }
}
