//! An outcome for a pull request or a page.

use super::{OutcomeReport, Trouble};
use crate::report::{
    Paper, notices,
    page::{Inline, Part},
    rollouts, rulings, words,
};

pub(super) fn of(report: &OutcomeReport<'_>, paper: &Paper) -> Vec<Part> {
    let mut head =
        Part::first("sum").say(Inline::default().strong("Reconcile:").prose(format!(" {}", report.summary())));
    if let Some(converged) = report.convergence() {
        head = head.say(Inline::default().strong("Converged:").prose(format!(" {converged}")));
    }
    head = head.say(Inline::of(format!("Fleet {} at ", report.fleet)).code(words::short(report.revision)));
    if let Some(stopped) = report.stopped() {
        head = head.say(Inline::default().strong("Stopped:").prose(format!(" {stopped}")));
    }
    let mut parts = vec![head];
    let troubles = report.troubles();
    let (shown, left_out) = troubles.split_at(troubles.len().min(paper.limits.groups));
    parts.extend(shown.iter().map(|trouble| part(trouble, paper)));
    parts.extend(words::more(left_out.len(), "group").map(|rest| Part::open("rest").say(Inline::of(rest))));
    parts.extend(rulings::part(report.rulings, paper));
    parts.extend(rollouts::parts_of(report.rollouts, paper));
    parts
}

fn part(trouble: &Trouble<'_>, paper: &Paper) -> Part {
    let (total, most) = (trouble.devices.len(), paper.limits.samples);
    let line = Inline::default().strong(trouble.word).prose(format!(", {}: ", trouble.count()));
    let line = notices::named(line, trouble.devices.iter().copied(), total, most);
    Part::open(format!("{}: {}", trouble.word, trouble.reason)).list([line.line_break().code(trouble.reason)])
}
