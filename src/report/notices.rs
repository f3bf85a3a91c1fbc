//! What the reader should know besides: the same below a plan, a standing and an outcome.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Paper,
    escape::{code, plain, prose},
    paper::YELLOW,
    remark::{Level, Remark},
    words,
};
use crate::{plan::Notice, twin::DeviceId};

/// Something to know that is no change and no fault.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Notice")]
pub(crate) struct NoticeView<'a> {
    /// Its id, in kebab case.
    id: &'a str,
    /// One sentence, with the remedy.
    message: &'a str,
    /// How many devices it touches.
    devices: u64,
    /// A few of them.
    samples: Vec<&'a str>,
}

impl<'a> From<&'a Notice> for NoticeView<'a> {
    fn from(notice: &'a Notice) -> Self {
        let samples = notice.samples.iter().map(DeviceId::as_str).collect();
        Self { id: notice.id, message: &notice.message, devices: notice.devices, samples }
    }
}

fn named(notice: &Notice, most: usize, show: impl Fn(&str) -> String) -> Option<String> {
    let total = usize::try_from(notice.devices).unwrap_or(usize::MAX);
    let names = words::named(&notice.samples, total, most, show);
    (notice.devices > 0).then(|| format!("{}: {names}", words::count(notice.devices, "device")))
}

pub(crate) fn text(notices: &[Notice], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for notice in notices.iter().take(paper.limits.groups) {
        let label = paper.paint(YELLOW, format!("note[{}]:", notice.id));
        writeln!(out, "{label} {}", plain(&notice.message))?;
        if let Some(devices) = named(notice, paper.limits.samples, plain) {
            writeln!(out, "  {devices}")?;
        }
    }
    match notices.len().saturating_sub(paper.limits.groups) {
        0 if notices.is_empty() => Ok(()),
        0 => writeln!(out),
        n => writeln!(out, "… and {}\n", words::count(words::wide(n), "more note")),
    }
}

pub(crate) fn markdown(notices: &[Notice], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for notice in notices.iter().take(paper.limits.groups) {
        write!(out, "- **note** {}: {}", code(notice.id), prose(&notice.message))?;
        match named(notice, paper.limits.samples, code) {
            Some(devices) => writeln!(out, " ({devices})")?,
            None => writeln!(out)?,
        }
    }
    match notices.len().saturating_sub(paper.limits.groups) {
        0 => Ok(()),
        n => writeln!(out, "- … and {}", words::count(words::wide(n), "more note")),
    }
}

pub(crate) fn remarks(
    notices: &[Notice],
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for notice in notices.iter().take(paper.limits.groups) {
        let devices = named(notice, paper.limits.samples, str::to_owned).map(|devices| format!("\n{devices}"));
        let message = format!("{}{}", notice.message, devices.unwrap_or_default());
        take(&Remark {
            level: Level::Warning,
            rule: notice.id,
            title: notice.id.to_owned(),
            message,
            location: None,
            ..Remark::default()
        })?;
    }
    Ok(())
}
