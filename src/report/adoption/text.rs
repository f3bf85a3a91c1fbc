//! An adoption for people at a terminal.

use std::io;

use super::{AdoptionReport, change, home, place, twins};
use crate::report::{
    Paper,
    escape::plain,
    paper::{BOLD, DIM, GREEN, YELLOW},
    words,
};

pub(super) fn write(report: &AdoptionReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let adopted = &report.adoption.adopted;
    for one in adopted.iter().take(paper.limits.groups) {
        let (path, at) = (plain(&one.path.to_string()), plain(&place(report, one)));
        writeln!(out, "{}  {}  {}", paper.paint(GREEN, "adopt"), paper.paint(BOLD, path), paper.paint(DIM, at))?;
        let (from, to) = change(one);
        writeln!(out, "  {from} -> {to}")?;
        writeln!(out, "  {}", plain(&home(one)))?;
        writeln!(out, "  {}\n", paper.paint(DIM, twins(one, paper.limits.samples, plain)))?;
    }
    more(adopted.len(), paper, out)?;
    let left = report.left();
    for rest in left.iter().take(paper.limits.groups) {
        let names = words::named(rest.devices.iter().copied(), rest.devices.len(), paper.limits.samples, plain);
        let path = plain(&rest.path.to_string());
        writeln!(out, "{}   {}  {names}", paper.paint(YELLOW, "left"), paper.paint(BOLD, path))?;
        writeln!(out, "  {}\n", plain(&rest.why.to_string()))?;
    }
    more(left.len(), paper, out)?;
    writeln!(out, "{} {}", paper.paint(BOLD, "Adopt:"), report.summary())?;
    match report.outcome() {
        Some(outcome) => writeln!(out, "  {}", plain(&outcome)),
        None => Ok(()),
    }
}

fn more(all: usize, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    match all.saturating_sub(paper.limits.groups) {
        0 => Ok(()),
        n => writeln!(out, "… and {n} more, not shown here; --format json shows all\n"),
    }
}
