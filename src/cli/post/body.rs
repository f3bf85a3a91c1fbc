//! A report as a comment: a heading, the report, and where the rest is if there is one.

use std::{io, path::Path};

use crate::{
    forge::{Body, Subject, Told, characters},
    report::{self, Format, Limits, Paper, Report},
};

/// A report below a heading.
pub(super) struct Telling<'a> {
    pub(super) subject: &'a Subject,
    pub(super) report: &'a dyn Report,
    /// The CI's run, for people.
    pub(super) run_url: Option<&'a str>,
    /// The file with the whole report.
    pub(super) attached: Option<&'a Path>,
}

/// More than any fleet has.
const ALL: usize = 1 << 30;
/// Devices that are named for a group in a file: more than that are looked up elsewhere.
const NAMED: usize = 1_000;
/// What is written where there is no limit.
const WHOLE: Limits = Limits { groups: ALL, lines: ALL, samples: NAMED, bytes: usize::MAX };

impl Telling<'_> {
    /// The whole report, however long.
    pub(super) fn whole(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "{}", self.heading())?;
        let paper = Paper { limits: WHOLE, detail: true, ..Paper::default() };
        report::write(self.report, Format::Markdown, &paper, out)
    }

    fn heading(&self) -> String {
        format!("### twinops {}\n", report::prose(&self.subject.name()))
    }

    /// What is said below a report that is not whole.
    fn rest(&self) -> String {
        let run = self.run_url.map(|url| format!(" of [this run]({url})")).unwrap_or_default();
        let place = match self.attached.and_then(Path::file_name) {
            Some(name) => format!("in the file {}{run}", report::code(&name.to_string_lossy())),
            None => format!("in the log{run}"),
        };
        format!("\n_Not all of it has room here. The whole report is {place}._\n")
    }
}

impl Body for Telling<'_> {
    fn within(&self, room: usize) -> io::Result<Told> {
        let heading = self.heading();
        let rest = self.rest();
        let left = room.saturating_sub(characters(&heading) + characters(&rest) + 1);
        let fitted = fit(self.report, left)?;
        let end = if fitted.whole { "" } else { &rest };
        Ok(Told { text: format!("{heading}\n{}{end}", fitted.text), whole: fitted.whole })
    }
}

/// How often a report is told in half the room before its sum alone is left.
const HALVINGS: u32 = 12;

/// A report in so many characters: what is left out is counted, and nothing is cut.
fn fit(of: &dyn Report, room: usize) -> io::Result<Told> {
    let whole = markdown(of, Limits { samples: Limits::default().samples, ..WHOLE })?;
    if characters(&whole) <= room {
        return Ok(Told { text: whole, whole: true });
    }
    let mut limits = Limits { bytes: room, ..Limits::default() };
    for _ in 0..HALVINGS {
        let text = markdown(of, limits)?;
        if characters(&text) <= room {
            return Ok(Told { text, whole: false });
        }
        limits =
            Limits { groups: limits.groups / 2, lines: limits.lines.div_ceil(2), bytes: limits.bytes / 2, ..limits };
    }
    let (word, sum) = of.sum();
    Ok(Told { text: format!("**{word}:** {}\n", report::prose(&sum)), whole: false })
}

fn markdown(of: &dyn Report, limits: Limits) -> io::Result<String> {
    let mut out = Vec::new();
    report::write(of, Format::Markdown, &Paper { limits, ..Paper::default() }, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
