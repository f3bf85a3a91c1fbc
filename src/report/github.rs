//! Workflow commands of GitHub Actions: `::error file=…,line=…,col=…,title=…::message`.

use std::io;

use super::{
    Location, Paper, Report,
    escape::{command_data, command_property},
    remark::{Level, Remark},
};

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    report.remarks(paper, &mut |remark| annotate(remark, out))?;
    let (title, message) = report.sum();
    annotate(&Remark { level: Level::Notice, rule: "", title: title.to_owned(), message, location: None }, out)
}

fn annotate(remark: &Remark<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let level = match remark.level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    write!(out, "::{level} ")?;
    if let Some(Location { file, line, column, .. }) = &remark.location {
        write!(out, "file={},line={line},col={column},", command_property(file))?;
    }
    writeln!(out, "title={}::{}", command_property(&remark.title), command_data(&remark.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_a_command_of_its_own() {
        let location = Some(Location { file: "a,b:c.yaml".into(), line: 3, column: 7, span: 0..0 });
        let message = "100%\n::set-output name=a::b".to_owned();
        let mut out = Vec::new();
        annotate(&Remark { level: Level::Error, rule: "x", title: "x::y".into(), message, location }, &mut out)
            .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb%3Ac.yaml,line=3,col=7,title=x%3A%3Ay::100%25%0A::set-output name=a::b\n"
        );
    }
}
