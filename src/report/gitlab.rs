//! GitLab's report of code quality: a list of remarks, each on a line of a file.

use std::io;

use serde::Serialize;

use super::{
    Paper, Report,
    fingerprint::Fingerprints,
    json,
    remark::{Level, Remark},
};

/// Where a remark without a file is shown: GitLab takes none without.
const NOWHERE: &str = ".";

/// One remark, by the form of Code Climate that GitLab reads.
#[derive(Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let (mut entries, mut fingerprints) = (Vec::new(), Fingerprints::default());
    report.remarks(paper, &mut |remark| {
        if remark.waived.is_none() {
            entries.push(entry(remark, &mut fingerprints));
        }
        Ok(())
    })?;
    json::write(&entries, out)
}

fn entry(remark: &Remark<'_>, fingerprints: &mut Fingerprints) -> Entry {
    let severity = match remark.level {
        Level::Notice => "info",
        Level::Warning => "minor",
        Level::Error => "critical",
    };
    let place = remark.location.as_ref();
    let (path, begin, end) = place.map_or((NOWHERE, 1, 1), |at| (&*at.file, at.line, at.end.0.max(at.line)));
    Entry {
        description: remark.message.clone(),
        check_name: remark.rule.to_owned(),
        fingerprint: fingerprints.next(remark),
        severity,
        location: Place { path: path.to_owned(), lines: Lines { begin, end } },
    }
}
