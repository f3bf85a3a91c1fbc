//! A plan for people at a terminal: what is alike is folded, the sum comes last.

use std::io;

use anstyle::Style;

use super::{PlanReport, devices, from, provenance, remark, sign, to, values};
use crate::{
    plan::{Delta, Group},
    report::{
        Paper,
        diff::{self, Line},
        escape::plain,
        notices,
        paper::{BOLD, DIM, GREEN, RED, YELLOW},
        words,
    },
};

pub(super) fn write(report: &PlanReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let plan = report.plan;
    let most = paper.limits.groups;
    for group in plan.groups.iter().take(most) {
        self::group(report, group, paper, out)?;
        writeln!(out)?;
    }
    if let Some(rest) = plan.groups.get(most..).filter(|rest| !rest.is_empty()) {
        let devices = rest.iter().map(|group| words::wide(group.devices.len())).sum();
        let (groups, devices) = (words::count(words::wide(rest.len()), "more group"), words::count(devices, "device"));
        writeln!(out, "… and {groups} with {devices}, not shown here; --format json shows all\n")?;
    }
    notices::text(&plan.notices, paper, out)?;
    let (fleet, revision) = (plain(&plan.fleet), plain(words::short(&plan.revision)));
    writeln!(out, "Fleet {fleet} at {revision}")?;
    writeln!(out, "{} {}", paper.paint(BOLD, "Plan:"), report.summary())
}

fn group(report: &PlanReport<'_>, group: &Group, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let count = words::count(words::wide(group.devices.len()), "device");
    let names = devices(group, paper.limits.samples, plain);
    write!(out, "{}: {names}", paper.paint(BOLD, count))?;
    match remark(group) {
        Some(remark) => writeln!(out, "  ({remark})")?,
        None => writeln!(out)?,
    }
    let width = group.deltas.iter().map(|delta| path(delta).chars().count()).max().unwrap_or(0).min(64);
    for delta in group.deltas.iter().take(paper.limits.lines) {
        self::delta(report, delta, width, paper, out)?;
    }
    let left_out = group.deltas.len().saturating_sub(paper.limits.lines);
    if left_out > 0 {
        writeln!(out, "  … and {}", words::count(words::wide(left_out), "more property"))?;
    }
    Ok(())
}

fn delta(
    report: &PlanReport<'_>,
    delta: &Delta,
    width: usize,
    paper: &Paper,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let style = style(sign(delta));
    let sign = paper.paint(style, sign(delta));
    let path = path(delta);
    let provenance = paper.paint(DIM, provenance(report, delta));
    let Some((lines, left_out)) = diff::unified(from(delta), to(delta), paper.limits.lines) else {
        return writeln!(out, "  {sign} {path:<width$}  {}{provenance}", paper.paint(style, values(delta)));
    };
    writeln!(out, "  {sign} {path:<width$}{provenance}")?;
    for Line { sign, text } in &lines {
        let line = format!("      {sign} {text}");
        writeln!(out, "{}", paper.paint(self::style(*sign), line.trim_end()))?;
    }
    match left_out {
        0 => Ok(()),
        n => writeln!(out, "      … and {}", words::count(words::wide(n), "more line")),
    }
}

fn path(delta: &Delta) -> String {
    plain(&delta.path.to_string())
}

const fn style(sign: char) -> Style {
    match sign {
        '+' => GREEN,
        '-' => RED,
        '~' => YELLOW,
        _ => Style::new(),
    }
}
