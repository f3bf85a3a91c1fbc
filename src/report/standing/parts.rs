//! A standing for an issue, a pull request or a page: the sum first, then what is of interest, kind by kind.

use super::{
    StandingReport,
    fold::{Fold, fold},
    meaning, message, values,
};
use crate::{
    plan::Verdict,
    report::{
        Paper, notices,
        page::{Inline, Part, Piece, Table},
        places::origin,
        rollouts, words,
    },
};

pub(super) fn of(report: &StandingReport<'_>, paper: &Paper) -> Vec<Part> {
    let standing = report.standing;
    let mut parts = vec![head(report)];
    parts.extend(rollouts::parts_of(&standing.rollouts, paper));
    parts.extend(notices::part(&standing.notices, paper));
    folds(report, paper, &mut parts);
    parts.extend(ignored(report, paper));
    parts
}

fn head(report: &StandingReport<'_>) -> Part {
    let (word, summary) = report.summary();
    let standing = report.standing;
    let fleet = Inline::of(format!("Fleet {} at ", standing.fleet)).code(words::short(&standing.revision));
    let row = |(verdict, devices, properties): (Verdict, u64, u64)| {
        let number = |n: u64| Inline::of(n.to_string());
        vec![Inline::of(verdict.word()), number(devices), number(properties), Inline::of(meaning(verdict))]
    };
    let head = vec![("verdict", false), ("devices", true), ("properties", true), ("", false)];
    let table = Table { head, rows: report.counts().map(row).collect() };
    let sum = Inline::default().strong(word).prose(format!(" {summary}"));
    Part::first("sum").say(sum).say(fleet).with(Piece::Table(table))
}

fn folds(report: &StandingReport<'_>, paper: &Paper, parts: &mut Vec<Part>) {
    let folds = fold(report.standing, paper.limits.samples, |verdict| report.lens.lists(verdict, paper.detail));
    let (shown, left_out) = folds.split_at(folds.len().min(paper.limits.groups));
    parts.extend(shown.iter().map(|fold| part(report, fold)));
    parts.extend(words::more(left_out.len(), "group").map(|rest| Part::open("rest").say(Inline::of(rest))));
    let unlisted = report.on_their_way(paper.detail);
    parts.extend(
        unlisted.map(|unlisted| Part::open("on their way").say(Inline::of(format!("{unlisted}, not listed here.")))),
    );
}

fn part(report: &StandingReport<'_>, fold: &Fold<'_>) -> Part {
    let count = words::count(words::wide(fold.devices), "device");
    let path = fold.of.path.to_string();
    let title = Inline::of(format!("{}, {count}: ", fold.of.verdict)).code(&path);
    let names = notices::named(Inline::default(), fold.samples.iter().copied(), fold.devices, usize::MAX);
    let said = |name: &str, text: String| Inline::of(format!("{name} ")).code(text);
    let values = values(fold).into_iter().map(|(name, value)| said(&format!("{name}:"), value.line()));
    let others = [
        fold.of.origin.as_ref().map(|place| said("declared in", origin(report.places, place))),
        message(fold.of).map(|message| said("the device says:", message.into_owned())),
        fold.of.by.as_ref().map(|by| said("written by configuration", by.clone())),
        fold.age().map(Inline::of),
    ];
    Part::folded(format!("{}: {path}", fold.of.verdict), title)
        .say(names)
        .list(values.chain(others.into_iter().flatten()))
}

fn ignored(report: &StandingReport<'_>, paper: &Paper) -> Option<Part> {
    let ignored = &report.standing.ignored;
    let item = |(path, devices): (&String, &u64)| {
        Inline::of("ignored: ").code(path).prose(format!(" on {}", words::count(*devices, "device")))
    };
    (!ignored.is_empty()).then(|| Part::open("ignored").list(ignored.iter().take(paper.limits.groups).map(item)).last())
}
