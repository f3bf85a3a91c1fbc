//! Findings with their lines and carets, in the manner of rustc; the only file that knows the renderer.

use std::{collections::BTreeSet, io, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::Findings;
use crate::{
    fleet::{Finding, Severity, Waived, rule::rule},
    report::{
        Location, Paper, Places,
        escape::plain,
        paper::{BOLD, DIM, GREEN, RED, YELLOW},
        places, words,
    },
};

pub(super) fn write(report: &Findings<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let renderer = if paper.colour { Renderer::styled() } else { Renderer::plain() };
    let hidden = hidden(report);
    for finding in report.findings.iter().take(paper.limits.groups) {
        writeln!(out, "{}\n", render(finding, report.places, &hidden, &renderer))?;
    }
    let left_out = report.findings.len().saturating_sub(paper.limits.groups);
    if left_out > 0 {
        writeln!(out, "… and {} more, not shown here; --format json shows all\n", words::wide(left_out))?;
    }
    if paper.detail {
        report.waived.iter().try_for_each(|waived| line(waived, report.places, paper, out))?;
    }
    more(report.findings, paper, out)?;
    let style = match report.findings.iter().map(|finding| finding.severity).max() {
        None => GREEN,
        Some(Severity::Warning) => YELLOW.bold(),
        Some(Severity::Error) => RED.bold(),
    };
    writeln!(out, "{}", paper.paint(style | BOLD.get_effects(), report.summary()))
}

/// What is waived, on a line.
fn line(waived: &Waived, places: &dyn Places, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let Waived { finding, reason } = waived;
    let place = finding.place.as_ref().map(|place| format!(" ({})", places::origin(places, place))).unwrap_or_default();
    let label = paper.paint(DIM, format!("waived[{}]:", finding.rule));
    writeln!(out, "{label} {}{}\n  because {}\n", plain(&finding.message), plain(&place), plain(reason))
}

/// Where there is more to read about the rules at hand.
fn more(findings: &[Finding], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let known: BTreeSet<&str> =
        findings.iter().take(paper.limits.groups).map(|f| f.rule).filter(|id| rule(id).is_some()).collect();
    let words = match known.len() {
        0 => return Ok(()),
        1 => "more about the rule:",
        _ => "more about the rules:",
    };
    let ids = known.into_iter().collect::<Vec<_>>().join(" | ");
    let words = format!("{words} twinops explain --rule {ids}");
    writeln!(out, "{}\n", paper.paint(DIM, words))
}

/// A stretch of a file with words.
struct Mark {
    kind: AnnotationKind,
    span: Range<usize>,
    words: String,
}

/// A file with everything of a finding that lies in it.
struct Sheet {
    file: Arc<str>,
    text: Option<Arc<str>>,
    line: usize,
    marks: Vec<Mark>,
}

/// Lines that hold a secret, whichever finding points at them.
type Hidden = BTreeSet<(Arc<str>, usize)>;

fn hidden(report: &Findings<'_>) -> Hidden {
    let places = report.findings.iter().filter(|finding| finding.hide_source).filter_map(|f| f.place.as_ref());
    places.filter_map(|place| report.places.locate(place)).map(|at| (at.file, at.line)).collect()
}

fn render(finding: &Finding, places: &dyn Places, hidden: &Hidden, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let sheets = sheets(finding, places, hidden);
    let mut group = level.primary_title(plain(&finding.message)).id(finding.rule).elements(Vec::<Element<'_>>::new());
    for sheet in &sheets {
        group = element(group, sheet);
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    renderer.render(&[group])
}

fn element<'a>(group: Group<'a>, sheet: &'a Sheet) -> Group<'a> {
    let Some(text) = &sheet.text else {
        let group = group.element(origin(sheet));
        let notes = sheet.marks.iter().filter(|mark| !mark.words.is_empty());
        return group.elements(notes.map(|mark| Level::NOTE.message(mark.words.clone())));
    };
    let snippet = Snippet::source(&**text).path(&*sheet.file);
    group.element(sheet.marks.iter().fold(snippet, |snippet, mark| {
        let words = (!mark.words.is_empty()).then(|| mark.words.clone());
        snippet.annotation(mark.kind.span(mark.span.clone()).label(words))
    }))
}

fn origin(sheet: &Sheet) -> Origin<'_> {
    let origin = Origin::path(&*sheet.file);
    if sheet.line > 0 { origin.line(sheet.line) } else { origin }
}

/// The finding's places by file, that of the finding itself first.
fn sheets(finding: &Finding, places: &dyn Places, hidden: &Hidden) -> Vec<Sheet> {
    let own = finding.place.iter().map(|place| (AnnotationKind::Primary, place, finding.label.as_deref()));
    let related = finding.related.iter().map(|(place, words)| (AnnotationKind::Context, place, Some(words.as_str())));
    let mut sheets: Vec<Sheet> = Vec::new();
    for (kind, place, label) in own.chain(related) {
        let location = places.locate(place);
        let file = location.as_ref().map_or(&place.file, |at| &at.file).clone();
        let shown = location.as_ref().filter(|at| !finding.hide_source && !near_hidden(at, hidden));
        let text = shown.and_then(|at| places.text(&at.file));
        let span = span(location.as_ref(), text.as_deref());
        let mark = Mark { kind, span, words: label.map(plain).unwrap_or_default() };
        let known = sheets.iter_mut().find(|sheet| sheet.file == file && sheet.text.is_some() == text.is_some());
        if let Some(sheet) = known {
            sheet.marks.push(mark);
        } else {
            let line = location.map_or(0, |at| at.line);
            sheets.push(Sheet { file, text, line, marks: vec![mark] });
        }
    }
    sheets
}

/// Whether the line of a place, or one beside it that a snippet may show, holds a secret.
fn near_hidden(at: &Location, hidden: &Hidden) -> bool {
    (at.line.saturating_sub(1)..=at.line + 1).any(|line| hidden.contains(&(at.file.clone(), line)))
}

/// The bytes to mark: those of the first line alone, where the caret of a whole document would fill the screen.
fn span(location: Option<&Location>, text: Option<&str>) -> Range<usize> {
    let (Some(Location { span, .. }), Some(text)) = (location, text) else { return 0..0 };
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (from, to) = (floor(span.start), floor(span.end));
    let line_end = text[from..].find('\n').map_or(text.len(), |length| from + length);
    from..to.min(line_end).max(from)
}
