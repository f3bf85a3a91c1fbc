//! Parts as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere.

use std::io;

use super::{Inline, Part, Piece, Shape, Table, style::STYLE};
use crate::report::{Limits, Paper, Report, escape::html, words};

/// What a browser may load for it: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Parts of a kind that a page tells: a browser has room for more than a comment.
const GROUPS: usize = 1000;

/// Writes a report as a page.
pub(in crate::report) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let paper = Paper { limits: Limits { groups: paper.limits.groups.max(GROUPS), ..paper.limits }, ..*paper };
    let (word, sum) = report.sum();
    let title = html(&format!("{word}: {sum}"));
    let parts = report.parts(&paper);
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>")?;
    parts.iter().try_for_each(|part| out.write_all(self::part(part).as_bytes()))?;
    writeln!(out, "<footer>twinops {}</footer>\n</body>\n</html>", env!("CARGO_PKG_VERSION"))
}

/// What a report says as HTML that stands within a page of somebody else.
pub(crate) fn fragment(report: &dyn Report, paper: &Paper) -> String {
    report.parts(paper).iter().map(part).collect()
}

pub(super) fn part(part: &Part) -> String {
    let body: String = part.pieces.iter().map(piece).collect();
    match (&part.title, part.shape) {
        (Some(title), Shape::Folded) if body.is_empty() => paragraph(title),
        (Some(title), Shape::Folded) => format!("<details><summary>{}</summary>\n{body}</details>\n", title.html()),
        (Some(title), Shape::Warning) => format!("<section class=\"warning\">\n{}{body}</section>\n", paragraph(title)),
        (Some(title), Shape::Open) => format!("<section>\n{}{body}</section>\n", paragraph(title)),
        (None, _) => body,
    }
}

fn paragraph(line: &Inline) -> String {
    format!("<p>{}</p>\n", line.html())
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Paragraph(line) => paragraph(line),
        Piece::Items(items) => {
            let lines = |lines: &[Inline]| lines.iter().map(Inline::html).collect::<Vec<_>>().join("<br>");
            let items = items.iter().map(|item| format!("<li>{}</li>\n", lines(item))).collect::<Vec<_>>().concat();
            format!("<ul>\n{items}</ul>\n")
        }
        Piece::Table(table) => self::table(table),
        Piece::Diff(body) => {
            let lines: String = body.lines().map(diff_line).collect();
            format!("<pre>{lines}</pre>\n")
        }
        Piece::Chart(chart) if chart.is_empty() => String::new(),
        Piece::Chart(chart) => chart.svg(),
    }
}

fn diff_line(line: &str) -> String {
    let class = match line.as_bytes().first() {
        Some(b'+') => "plus",
        Some(b'-') => "minus",
        Some(b'!') => "swap",
        _ => "same",
    };
    format!("<span class=\"{class}\">{}</span>", html(line))
}

fn table(table: &Table) -> String {
    let class = |at: usize| if table.head.get(at).is_some_and(|(_, number)| *number) { " class=\"n\"" } else { "" };
    let mut text = "<table>\n<tr>".to_owned();
    for (at, (name, _)) in table.head.iter().enumerate() {
        words::push(&mut text, format_args!("<th{}>{name}</th>", class(at)));
    }
    for row in &table.rows {
        text.push_str("</tr>\n<tr>");
        for (at, cell) in row.iter().enumerate() {
            words::push(&mut text, format_args!("<td{}>{}</td>", class(at), cell.html()));
        }
    }
    text + "</tr>\n</table>\n"
}
