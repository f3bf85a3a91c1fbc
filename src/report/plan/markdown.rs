//! A plan for a pull request: the sum first, the rest folded away.
//!
//! In a `diff` fence GitHub colours a line by its first character, and a changed value takes `!`, the sign that it
//! colours for changes; `~` would stay grey.

use std::io;

use super::{
    PlanReport,
    blocks::{Block, Entry, blocks},
    provenance, quota, rest, said, sign,
};
use crate::{
    plan::Group,
    report::{
        Paper,
        diff::Line,
        escape::{code, fence, html, plain, prose},
        notices, rollouts, rulings, words,
    },
    twin::{PropertyPath, Section},
};

/// Parts of a twin that the heading of a folded block names.
const NAMED: usize = 5;

pub(super) fn write(report: &PlanReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let plan = report.plan;
    writeln!(out, "**Plan:** {}", report.summary())?;
    let hash = plan.hash.as_ref().map(|hash| format!(", plan {}", code(hash))).unwrap_or_default();
    writeln!(out, "\nFleet {} at {}{hash}", prose(&plan.fleet), code(words::short(&plan.revision)))?;
    rulings::markdown(&plan.rulings, paper, out)?;
    for (at, line) in plan.quota.iter().flat_map(quota::lines).enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        writeln!(out, "{gap}- **quota** {line}")?;
    }
    notices::markdown(&plan.notices, paper, out)?;
    rollouts::write_markdown(plan.rollouts.states(), paper, out)?;
    let mut room = paper.limits.bytes;
    groups(report, &plan.groups, paper, &mut room, out)?;
    if !plan.held.is_empty() {
        writeln!(out, "\n**Held by rollouts, for a later run:**")?;
        groups(report, &plan.held, paper, &mut room, out)?;
    }
    Ok(())
}

fn groups(
    report: &PlanReport<'_>,
    groups: &[Group],
    paper: &Paper,
    room: &mut usize,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let blocks = blocks(groups);
    let mut shown = 0;
    for block in blocks.iter().take(paper.limits.groups) {
        let block = self::block(report, block, paper);
        let Some(left) = room.checked_sub(block.len()) else { break };
        *room = left;
        shown += 1;
        out.write_all(block.as_bytes())?;
    }
    match rest(&blocks[shown..]) {
        Some(rest) => writeln!(out, "\n{rest}."),
        None => Ok(()),
    }
}

fn block(report: &PlanReport<'_>, block: &Block<'_>, paper: &Paper) -> String {
    let mut body = String::new();
    let (shown, left_out) = block.entries.split_at(block.entries.len().min(paper.limits.lines));
    for entry in shown {
        self::entry(report, entry, paper, &mut body);
    }
    if !left_out.is_empty() {
        let more = words::count(words::wide(left_out.len()), "more property");
        words::push(&mut body, format_args!("  … and {more}\n"));
    }
    let mut text = format!("\n<details><summary>{}: {}</summary>\n\n", block.count(), title(block));
    text += &block.names(paper.limits.samples, code);
    if let Some(remark) = block.remark().filter(|_| !body.is_empty()) {
        words::push(&mut text, format_args!(" ({remark})"));
    }
    text += "\n";
    if !body.is_empty() {
        let fence = fence(&body);
        words::push(&mut text, format_args!("\n{fence}diff\n{body}{fence}\n"));
    }
    text + "\n</details>\n"
}

/// What the folded block says of itself: its one change, or the parts of the twin that it touches.
fn title(block: &Block<'_>) -> String {
    match &*block.entries {
        [] => block.remark().unwrap_or_default(),
        [only] => format!("<code>{}  {}</code>", html(&only.delta().path.to_string()), html(&said(only))),
        entries => {
            let mut parts: Vec<String> = entries.iter().map(|entry| part(&entry.delta().path)).collect();
            parts.dedup();
            let more = parts.len().saturating_sub(NAMED);
            parts.truncate(NAMED);
            parts.extend((more > 0).then(|| format!("+{more}")));
            format!("{} in {}", words::count(words::wide(entries.len()), "property"), parts.join(", "))
        }
    }
}

/// The tags, or the component that a path leads into.
fn part(path: &PropertyPath) -> String {
    let name = match (path.section, path.keys.first()) {
        (Section::Tags, _) | (_, None) => path.section.prefix(),
        (_, Some(key)) => key,
    };
    format!("<code>{}</code>", html(name))
}

fn entry(report: &PlanReport<'_>, entry: &Entry<'_>, paper: &Paper, body: &mut String) {
    let delta = entry.delta();
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
