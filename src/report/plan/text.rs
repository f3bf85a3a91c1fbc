//! A plan for people at a terminal: what is alike is folded, the sum comes last.

use std::io;

use anstyle::Style;

use super::{
    PlanReport,
    blocks::{Block, Entry, blocks},
    provenance, quota, rest, said, sign,
};
use crate::{
    plan::{Delta, Group},
    report::{
        Paper,
        diff::Line,
        escape::plain,
        notices,
        paper::{BOLD, DIM, GREEN, RED, YELLOW},
        rollouts, rulings, words,
    },
};

pub(super) fn write(report: &PlanReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let plan = report.plan;
    groups(report, &plan.groups, paper, out)?;
    if !plan.held.is_empty() {
        writeln!(out, "{}\n", paper.paint(BOLD, "Held by rollouts, for a later run:"))?;
        groups(report, &plan.held, paper, out)?;
    }
    rollouts::write_text(plan.rollouts.states(), paper, out)?;
    notices::text(&plan.notices, paper, out)?;
    rulings::text(&plan.rulings, paper, out)?;
    if let Some(margins) = rulings::margins(&plan.margins) {
        writeln!(out, "{} {margins}", paper.paint(BOLD, "Guards:"))?;
    }
    for line in plan.quota.iter().flat_map(quota::lines) {
        writeln!(out, "{} {line}", paper.paint(BOLD, "Quota:"))?;
    }
    let (fleet, revision) = (plain(&plan.fleet), plain(words::short(&plan.revision)));
    writeln!(out, "Fleet {fleet} at {revision}{}", report.hash())?;
    writeln!(out, "{} {}", paper.paint(BOLD, "Plan:"), report.summary())
}

fn groups(report: &PlanReport<'_>, groups: &[Group], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let blocks = blocks(groups);
    let (shown, left_out) = blocks.split_at(blocks.len().min(paper.limits.groups));
    for block in shown {
        self::block(report, block, paper, out)?;
        writeln!(out)?;
    }
    match rest(left_out) {
        Some(rest) => writeln!(out, "{rest}; --format json shows all\n"),
        None => Ok(()),
    }
}

fn block(report: &PlanReport<'_>, block: &Block<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    write!(out, "{}: {}", paper.paint(BOLD, block.count()), block.names(paper.limits.samples, plain))?;
    match block.remark() {
        Some(remark) => writeln!(out, "  ({remark})")?,
        None => writeln!(out)?,
    }
    let (shown, left_out) = block.entries.split_at(block.entries.len().min(paper.limits.lines));
    let width = shown.iter().map(|entry| path(entry.delta()).chars().count()).max().unwrap_or(0).min(64);
    for entry in shown {
        self::entry(report, entry, width, paper, out)?;
    }
    match left_out.len() {
        0 => Ok(()),
        n => writeln!(out, "  … and {}", words::count(words::wide(n), "more property")),
    }
}

fn entry(
    report: &PlanReport<'_>,
    entry: &Entry<'_>,
    width: usize,
    paper: &Paper,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let delta = entry.delta();
    let style = style(sign(delta));
    let sign = paper.paint(style, sign(delta));
    let path = path(delta);
    let provenance = paper.paint(DIM, plain(&provenance(report, entry)));
    let Some((lines, left_out)) = entry.unified(paper.limits.lines) else {
        return writeln!(out, "  {sign} {path:<width$}  {}{provenance}", paper.paint(style, said(entry)));
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
