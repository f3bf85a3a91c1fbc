//! An adoption for a pull request or a page.

use super::{AdoptionReport, Rest, change, home, place};
use crate::{
    plan::adopt::Adopted,
    report::{
        Paper, notices,
        page::{Inline, Part},
        words,
    },
};

pub(super) fn of(report: &AdoptionReport<'_>, paper: &Paper) -> Vec<Part> {
    let mut head = Part::first("sum").say(Inline::default().strong("Adopt:").prose(format!(" {}", report.summary())));
    if let Some(outcome) = report.outcome() {
        head = head.say(Inline::of(outcome));
    }
    let mut parts = vec![head];
    let adopted = &report.adoption.adopted;
    let (shown, more) = adopted.split_at(adopted.len().min(paper.limits.groups));
    parts.extend(shown.iter().map(|one| value(report, one, paper)));
    let left = report.left();
    let (rests, more_rests) = left.split_at(left.len().min(paper.limits.groups));
    parts.extend(rests.iter().map(|rest| stays(rest, paper)));
    let more = words::more(more.len() + more_rests.len(), "value");
    parts.extend(more.map(|more| Part::open("rest").say(Inline::of(more))));
    parts
}

fn value(report: &AdoptionReport<'_>, one: &Adopted, paper: &Paper) -> Part {
    let (from, to) = change(one);
    let line = Inline::default().code(one.path.to_string()).prose(": ").code(from).prose(" → ").code(to);
    let line = line.line_break().code(place(report, one)).prose(format!(", {}: ", home(one)));
    let devices = one.twins.iter().map(|seen| &seen.device);
    let line = notices::named(line, devices, one.twins.len(), paper.limits.samples);
    Part::open(format!("adopted {} {}", one.path, one.place.file)).list([line])
}

fn stays(rest: &Rest<'_>, paper: &Paper) -> Part {
    let line = Inline::default().strong("left:").prose(" ").code(rest.path.to_string()).prose(", ");
    let line = notices::named(line, rest.devices.iter().copied(), rest.devices.len(), paper.limits.samples);
    let why = rest.why.to_string();
    Part::open(format!("left {}", rest.path)).list([line.line_break().prose(why)])
}
