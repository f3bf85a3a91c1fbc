//! Workflow commands of GitHub Actions: `::error file=…,line=…,col=…,title=…::message`.

use std::io;

use super::{
    Location, Paper, Report,
    escape::{command_data, command_property},
    remark::{Level, Remark},
};

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    report.remarks(paper, &mut |remark| if remark.waived.is_none() { annotate(remark, out) } else { Ok(()) })?;
    let (title, message) = report.sum();
    annotate(&Remark { title: title.to_owned(), message, ..Remark::default() }, out)
}

fn annotate(remark: &Remark<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let level = match remark.level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    write!(out, "::{level} ")?;
    if let Some(Location { file, line, column, end: (end_line, end_column), .. }) = &remark.location {
        write!(out, "file={},line={line},", command_property(file))?;
        // Columns are shown on one line alone, and both are inside what is marked.
        if line == end_line && column < end_column {
            write!(out, "col={column},endColumn={},", end_column - 1)?;
        } else {
            write!(out, "col={column},")?;
        }
    }
    writeln!(out, "title={}::{}", command_property(&remark.title), command_data(&remark.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_a_command_of_its_own() {
        let location = Some(Location { file: "a,b:c.yaml".into(), line: 3, column: 7, end: (3, 9), span: 0..0 });
        let message = "100%\n::set-output name=a::b".to_owned();
        let mut out = Vec::new();
        annotate(
            &Remark { level: Level::Error, title: "x::y".into(), message, location, ..Remark::default() },
            &mut out,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb%3Ac.yaml,line=3,col=7,endColumn=8,title=x%3A%3Ay::100%25%0A::set-output name=a::b\n"
        );
    }
}
