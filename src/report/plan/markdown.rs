//! A plan for a pull request: the sum first, the rest folded away.
//!
//! In a `diff` fence GitHub colours a line by its first character, and a changed value takes `!`, the sign that it
//! colours for changes; `~` would stay grey.

use std::io;

use super::{PlanReport, devices, from, provenance, remark, sign, to, values};
use crate::{
    plan::{Delta, Group},
    report::{
        Paper,
        diff::{self, Line},
        escape::{code, fence, html, plain, prose},
        notices, words,
    },
};

pub(super) fn write(report: &PlanReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let plan = report.plan;
    writeln!(out, "**Plan:** {}", report.summary())?;
    writeln!(out, "\nFleet {} at {}", prose(&plan.fleet), code(words::short(&plan.revision)))?;
    notices::markdown(&plan.notices, paper, out)?;
    let mut room = paper.limits.bytes;
    let mut shown = 0;
    for group in plan.groups.iter().take(paper.limits.groups) {
        let block = block(report, group, paper);
        let Some(left) = room.checked_sub(block.len()) else { break };
        room = left;
        shown += 1;
        out.write_all(block.as_bytes())?;
    }
    let rest = &plan.groups[shown..];
    if rest.is_empty() {
        return Ok(());
    }
    let devices = rest.iter().map(|group| words::wide(group.devices.len())).sum();
    let (groups, devices) = (words::count(words::wide(rest.len()), "more group"), words::count(devices, "device"));
    writeln!(out, "\n… and {groups} with {devices}, not shown here.")
}

fn block(report: &PlanReport<'_>, group: &Group, paper: &Paper) -> String {
    let mut body = String::new();
    for delta in group.deltas.iter().take(paper.limits.lines) {
        self::delta(report, delta, paper, &mut body);
    }
    let left_out = group.deltas.len().saturating_sub(paper.limits.lines);
    if left_out > 0 {
        words::push(&mut body, format_args!("  … and {}\n", words::count(words::wide(left_out), "more property")));
    }
    let count = words::count(words::wide(group.devices.len()), "device");
    let mut block = format!("\n<details><summary>{count}: {}</summary>\n\n", title(group));
    block += &devices(group, paper.limits.samples, code);
    if let Some(remark) = remark(group) {
        words::push(&mut block, format_args!(" ({remark})"));
    }
    block += "\n";
    if !body.is_empty() {
        let fence = fence(&body);
        words::push(&mut block, format_args!("\n{fence}diff\n{body}{fence}\n"));
    }
    block + "\n</details>\n"
}

/// What the folded block says of itself.
fn title(group: &Group) -> String {
    match &*group.deltas {
        [] => "adopt".to_owned(),
        [only] => format!("<code>{}  {}</code>", html(&only.path.to_string()), html(&values(only))),
        [first, rest @ ..] => format!("<code>{}</code> and {} more", html(&first.path.to_string()), rest.len()),
    }
}

fn delta(report: &PlanReport<'_>, delta: &Delta, paper: &Paper, body: &mut String) {
    let sign = match sign(delta) {
        '~' => '!',
        sign => sign,
    };
    let (path, provenance) = (plain(&delta.path.to_string()), provenance(report, delta));
    let Some((lines, left_out)) = diff::unified(from(delta), to(delta), paper.limits.lines) else {
        return words::push(body, format_args!("{sign} {path}  {}{provenance}\n", values(delta)));
    };
    words::push(body, format_args!("{sign} {path}{provenance}\n"));
    for Line { sign, text } in lines {
        words::push(body, format_args!("{}\n", format!("{sign}     {text}").trim_end()));
    }
    if left_out > 0 {
        words::push(body, format_args!("      … and {}\n", words::count(words::wide(left_out), "more line")));
    }
}
