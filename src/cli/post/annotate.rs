//! A report's remarks as a forge takes them: with paths from the top of the repository.

use std::{io, path::Path};

use crate::{
    cli::workspace::{Files, Workspace},
    forge::{Annotation, Level},
    report::{self, Limits, Location, Paper, Remark, Report},
};

/// Remarks that are looked at; a forge may take fewer.
const MOST: usize = 10_000;

/// What paths of a report begin with, and what they begin with from the top of the repository.
pub(super) struct Roots {
    shown: String,
    top: String,
}

impl Roots {
    pub(super) fn of(root: &Path, workspace: &Workspace) -> Self {
        let top = workspace.with_repo(|repo| repo.prefix().to_owned()).filter(|prefix| !prefix.is_empty());
        Self { shown: Files::prefix(root), top: top.map(|top| format!("{top}/")).unwrap_or_default() }
    }

    fn path(&self, file: &str) -> String {
        format!("{}{}", self.top, file.strip_prefix(&self.shown).unwrap_or(file))
    }
}

/// The remarks that are about lines; the others stand in the report.
pub(super) fn annotations(of: &dyn Report, roots: &Roots) -> io::Result<Vec<Annotation>> {
    let paper = Paper { limits: Limits { groups: MOST, ..Limits::default() }, ..Paper::default() };
    let mut found = Vec::new();
    of.remarks(&paper, &mut |remark| {
        if let (Some(location), None) = (&remark.location, remark.waived) {
            found.push(annotation(remark, location, roots));
        }
        Ok(())
    })?;
    Ok(found)
}

fn annotation(remark: &Remark<'_>, location: &Location, roots: &Roots) -> Annotation {
    let Location { file, line, column, end: (end_line, end_column), .. } = location;
    // What ends at the beginning of a line ends on the one before.
    let last = if *end_column <= 1 && end_line > line { end_line - 1 } else { *end_line };
    Annotation {
        path: roots.path(file),
        lines: (*line, last),
        columns: (line == end_line).then(|| (*column, end_column.saturating_sub(1))),
        level: match remark.level {
            report::Level::Notice => Level::Notice,
            report::Level::Warning => Level::Warning,
            report::Level::Error => Level::Failure,
        },
        title: report::plain(&remark.title),
        message: remark.message.lines().map(report::plain).collect::<Vec<_>>().join("\n"),
    }
}
