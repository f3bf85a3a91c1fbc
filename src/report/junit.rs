//! `JUnit` XML, which most CI systems show as test results: errors fail, what is waived is skipped, all else passes and
//! is noted.

use std::io;

use super::{
    Paper, Report,
    escape::html,
    remark::{Level, Remark},
};

/// One case, or the whole when there is nothing to remark on.
struct Case {
    xml: String,
    fails: bool,
}

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let (suite, sum) = report.sum();
    let mut cases = Vec::new();
    report.remarks(paper, &mut |remark| {
        cases.push(case(suite, remark));
        Ok(())
    })?;
    if cases.is_empty() {
        cases.push(Case {
            xml: format!("    <testcase classname=\"{suite}\" name=\"{}\"/>\n", html(&sum)),
            fails: false,
        });
    }
    let (tests, failures) = (cases.len(), cases.iter().filter(|case| case.fails).count());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"twinops\" tests=\"{tests}\" failures=\"{failures}\">")?;
    writeln!(out, "  <testsuite name=\"{suite}\" tests=\"{tests}\" failures=\"{failures}\">")?;
    cases.iter().try_for_each(|case| out.write_all(case.xml.as_bytes()))?;
    writeln!(out, "    <system-out>{}</system-out>", html(&sum))?;
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(suite: &str, remark: &Remark<'_>) -> Case {
    let place = remark.location.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    let name = html(&format!("{}{place}", remark.title));
    let file = remark.location.as_ref();
    let file = file.map(|at| format!(" file=\"{}\" line=\"{}\"", html(&at.file), at.line)).unwrap_or_default();
    let first = html(remark.message.lines().next().unwrap_or_default());
    let all = remark.message.lines().map(html).collect::<Vec<_>>().join("\n");
    let fails = remark.level == Level::Error && remark.waived.is_none();
    let said = if let Some(reason) = remark.waived {
        format!("<skipped message=\"{}\"/>", html(reason))
    } else if fails {
        format!("<failure type=\"{}\" message=\"{first}\">{all}</failure>", html(remark.rule))
    } else {
        format!("<system-out>{all}</system-out>")
    };
    let class = format!("{suite}.{}", html(remark.rule));
    let xml = format!("    <testcase classname=\"{class}\" name=\"{name}\"{file}>\n      {said}\n    </testcase>\n");
    Case { xml, fails }
}
