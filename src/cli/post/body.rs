//! A report as a comment: a heading, the report, and where the rest is if there is one.

use std::{io, path::Path};

use crate::{
    forge::{Body, Subject, Told, characters},
    report::{self, Format, Limit, Limits, Paper, Report},
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
        let (heading, rest) = (self.heading(), self.rest());
        let left = room.saturating_sub(characters(&heading) + characters(&rest) + 1);
        let limit = Limit::Characters(left);
        let in_lines =
            |lines| Paper { limits: Limits { lines, samples: Limits::default().samples, ..WHOLE }, ..Paper::default() };
        let all = report::markdown(self.report, &in_lines(ALL), limit);
        if all.is_whole() {
            return Ok(Told { text: format!("{heading}\n{}", all.text), whole: true });
        }
        // One part with too many lines would be left out as a whole.
        let some = report::markdown(self.report, &in_lines(Limits::default().lines), limit);
        Ok(Told { text: format!("{heading}\n{}{rest}", some.text), whole: false })
    }
}
