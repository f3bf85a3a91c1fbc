//! A standing for people at a terminal: first what is wrong and where, then which devices, then the sums.

use std::io;

use anstyle::Style;

use super::{
    Lens, StandingReport,
    fold::{Fold, fold},
    meaning, message, values,
};
use crate::{
    plan::{DeviceVerdict, Verdict},
    report::{
        Paper,
        escape::plain,
        notices,
        paper::{BOLD, DIM, GREEN, RED, YELLOW},
        places::origin,
        rollouts, words,
    },
};

/// Devices listed one by one.
const DEVICES: usize = 20;

pub(super) fn write(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let folds = fold(report.standing, paper.limits.samples, |verdict| report.lens.lists(verdict, paper.detail));
    for fold in folds.iter().take(paper.limits.groups) {
        verdict(report, fold, paper, out)?;
    }
    if let Some(rest) = folds.get(paper.limits.groups..).filter(|rest| !rest.is_empty()) {
        let more = words::count(words::wide(rest.len()), "more group");
        writeln!(out, "… and {more}, not shown here; --format json shows all\n")?;
    }
    if let Some(unlisted) = report.on_their_way(paper.detail) {
        writeln!(out, "{}\n", paper.paint(DIM, format_args!("{unlisted}, listed with -v")))?;
    }
    if report.lens == Lens::Status {
        devices(&report.standing.outstanding, paper, out)?;
    }
    away(report, paper, out)?;
    ignored(report, paper, out)?;
    rollouts::write_text(&report.standing.rollouts, paper, out)?;
    notices::text(&report.standing.notices, paper, out)?;
    sums(report, paper, out)
}

fn verdict(report: &StandingReport<'_>, fold: &Fold<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let word = paper.paint(style(fold.of.verdict), fold.of.verdict);
    let path = plain(&fold.of.path.to_string());
    let count = words::count(words::wide(fold.devices), "device");
    writeln!(out, "{word:<11}  {}  {count}: {}", paper.paint(BOLD, path), fold.names(plain))?;
    let place = fold.of.origin.as_ref().map(|place| plain(&origin(report.places, place)));
    for (n, (name, value)) in values(fold).into_iter().enumerate() {
        let place = place.as_deref().filter(|_| n == 0).map(|place| format!("  ({place})")).unwrap_or_default();
        writeln!(out, "  {name:<9}  {}{}", value.line(), paper.paint(DIM, place))?;
    }
    let by = fold.of.by.as_ref().map(|by| format!("configuration {by}").into());
    for (name, said) in [("says", message(fold.of)), ("by", by)] {
        if let Some(said) = said {
            writeln!(out, "  {name:<9}  {}", plain(&said))?;
        }
    }
    if let Some(age) = fold.age() {
        writeln!(out, "  {}", paper.paint(DIM, plain(&age)))?;
    }
    writeln!(out)
}

fn devices(outstanding: &[DeviceVerdict], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let shown = &outstanding[..outstanding.len().min(DEVICES.min(paper.limits.groups))];
    if shown.is_empty() {
        return Ok(());
    }
    let width = shown.iter().map(|device| device.device.as_str().len()).max().unwrap_or(0).max(6);
    let heading = format!(
        "{:<width$}  {:<11}  {:>9}  {:>5}  {:<12}  LAST SEEN",
        "DEVICE", "VERDICT", "COMPLIANT", "OTHER", "REVISION"
    );
    writeln!(out, "{}", paper.paint(BOLD, heading))?;
    for device in shown {
        let word = paper.paint(style(device.verdict), device.verdict);
        let revision = plain(device.revision.as_deref().map_or("-", words::short));
        let seen = match (device.connected, &device.last_activity) {
            (true, _) => "connected".to_owned(),
            (false, Some(time)) => words::moment(time).map_or_else(|| "never".to_owned(), |time| plain(&time)),
            (false, None) => "-".to_owned(),
        };
        let (compliant, other) = (device.compliant, device.properties.len());
        writeln!(out, "{:<width$}  {word:<11}  {compliant:>9}  {other:>5}  {revision:<12}  {seen}", device.device)?;
    }
    match outstanding.len() - shown.len() {
        0 => writeln!(out),
        n => writeln!(out, "… and {}\n", words::count(words::wide(n), "more device")),
    }
}

/// Devices that are not there, where they are not listed one by one.
fn away(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let away = report.away();
    let (Lens::Drift, Some(first)) = (report.lens, away.first()) else { return Ok(()) };
    let total = report.standing.devices.get(&Verdict::Unreachable).copied().unwrap_or_default();
    let names = away.iter().map(|device| &device.device);
    let names = words::named(names, usize::try_from(total).unwrap_or(usize::MAX), paper.limits.samples, plain);
    let seen = first.last_activity.as_deref().and_then(words::moment);
    let seen = seen.map_or_else(|| "never seen".to_owned(), |time| format!("last seen {}", plain(&time)));
    let count = words::count(total, "device");
    writeln!(out, "{}\n", paper.paint(DIM, format_args!("unreachable  {count}: {names}; {}: {seen}", first.device)))
}

fn ignored(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let ignored = &report.standing.ignored;
    for (path, devices) in ignored.iter().take(paper.limits.groups) {
        let owner = report.standing.ignores.get(path).map(|entry| {
            format!("  ({}: {}, until {})", plain(&entry.owner), plain(&entry.reason), plain(&entry.until))
        });
        let (path, count, owner) = (plain(path), words::count(*devices, "device"), owner.unwrap_or_default());
        writeln!(out, "{}", paper.paint(DIM, format_args!("ignored  {path}  {count}{owner}")))?;
    }
    if ignored.is_empty() { Ok(()) } else { writeln!(out) }
}

fn sums(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let heading = format!("{:<11}  {:>8}  {:>10}", "VERDICT", "DEVICES", "PROPERTIES");
    writeln!(out, "{}", paper.paint(BOLD, heading))?;
    for (verdict, devices, properties) in report.counts() {
        let word = paper.paint(style(verdict), verdict);
        let meaning = paper.paint(DIM, meaning(verdict));
        writeln!(out, "{word:<11}  {devices:>8}  {properties:>10}  {meaning}")?;
    }
    let (fleet, revision) = (plain(&report.standing.fleet), plain(words::short(&report.standing.revision)));
    writeln!(out, "\nFleet {fleet} at {revision}")?;
    if let Some(earlier) = report.past.since {
        writeln!(out, "{} {}", paper.paint(BOLD, "Since:"), plain(&report.news(earlier)))?;
    }
    let (word, summary) = report.summary();
    writeln!(out, "{} {summary}", paper.paint(BOLD, word))
}

/// The colour of a verdict.
pub(in crate::report) const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Compliant => GREEN,
        Verdict::Pending | Verdict::InProgress | Verdict::Unknown | Verdict::Unreachable => YELLOW,
        Verdict::Rejected | Verdict::Failed | Verdict::Drifted | Verdict::Edited | Verdict::Contested => RED,
    }
}
