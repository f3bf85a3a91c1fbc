//! What the reader should know besides: the same below a plan, a standing and an outcome.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Paper,
    escape::plain,
    page::{Inline, Part},
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

fn told(notice: &Notice, most: usize, show: impl Fn(&str) -> String) -> Option<String> {
    let total = usize::try_from(notice.devices).unwrap_or(usize::MAX);
    let names = words::named(&notice.samples, total, most, show);
    (notice.devices > 0).then(|| format!("{}: {names}", words::count(notice.devices, "device")))
}

pub(crate) fn text(notices: &[Notice], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for notice in notices.iter().take(paper.limits.groups) {
        let label = paper.paint(YELLOW, format!("note[{}]:", notice.id));
        writeln!(out, "{label} {}", plain(&notice.message))?;
        if let Some(devices) = told(notice, paper.limits.samples, plain) {
            writeln!(out, "  {devices}")?;
        }
    }
    match notices.len().saturating_sub(paper.limits.groups) {
        0 if notices.is_empty() => Ok(()),
        0 => writeln!(out),
        n => writeln!(out, "… and {}\n", words::count(words::wide(n), "more note")),
    }
}

/// The notices as a part of a page; `None` without any.
pub(crate) fn part(notices: &[Notice], paper: &Paper) -> Option<Part> {
    let item = |notice: &Notice| {
        let line = Inline::default().strong("note").prose(" ").code(notice.id).prose(format!(": {}", notice.message));
        let total = usize::try_from(notice.devices).unwrap_or(usize::MAX);
        line.and(devices(&notice.samples, total, paper.limits.samples))
    };
    let more = notices.len().saturating_sub(paper.limits.groups);
    let rest = (more > 0).then(|| Inline::of(format!("… and {}", words::count(words::wide(more), "more note"))));
    let items = notices.iter().take(paper.limits.groups).map(item).chain(rest);
    (!notices.is_empty()).then(|| Part::first("notes").list(items))
}

/// ` (7 devices: a, b, +5)`; nothing without any.
pub(super) fn devices(samples: &[DeviceId], total: usize, most: usize) -> Inline {
    if total == 0 {
        return Inline::default();
    }
    let line = Inline::of(format!(" ({}", words::count(words::wide(total), "device")));
    let line = if samples.is_empty() { line } else { named(line.prose(": "), samples, total, most) };
    line.prose(")")
}

/// A line with the first few devices behind it, and how many more there are.
pub(super) fn named<'a>(
    line: Inline,
    devices: impl IntoIterator<Item = &'a DeviceId>,
    total: usize,
    most: usize,
) -> Inline {
    let names: Vec<&str> = devices.into_iter().take(most).map(DeviceId::as_str).collect();
    let more = total.saturating_sub(names.len());
    let rest = match (names.is_empty(), more) {
        (_, 0) => String::new(),
        (true, more) => format!("+{more}"),
        (false, more) => format!(", +{more}"),
    };
    line.codes(names).prose(rest)
}

pub(crate) fn remarks(
    notices: &[Notice],
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for notice in notices.iter().take(paper.limits.groups) {
        let devices = told(notice, paper.limits.samples, str::to_owned).map(|devices| format!("\n{devices}"));
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
