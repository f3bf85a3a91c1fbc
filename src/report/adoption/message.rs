//! An adoption as the message of its commit.

use super::{AdoptionReport, change, home, place};
use crate::{
    plan::adopt::{Adopted, Seen},
    report::{escape::plain, words},
};

/// Most values that a message lists, and most twins of one of them.
const VALUES: usize = 50;
const TWINS: usize = 20;
/// The longest subject that forges show whole.
const SUBJECT: usize = 72;

/// Says what was adopted, from which twin, at which version and of what time. Its first line stands alone.
pub fn message(report: &AdoptionReport<'_>) -> String {
    let adopted = &report.adoption.adopted;
    let mut text = subject(report);
    text.push_str("\n\nThe hub held these values; git now declares them, and the next plan leaves them as they are.\n");
    for one in adopted.iter().take(VALUES) {
        value(report, one, &mut text);
    }
    if adopted.len() > VALUES {
        words::push(&mut text, format_args!("\n… and {} more\n", adopted.len() - VALUES));
    }
    if !report.adoption.left.is_empty() {
        let left = words::count(words::wide(report.adoption.left.len()), "value");
        words::push(&mut text, format_args!("\nLeft as drift: {left}; `twinops drift` shows them.\n"));
    }
    text
}

fn subject(report: &AdoptionReport<'_>) -> String {
    let adoption = report.adoption;
    if let [only] = &*adoption.adopted {
        let subject = format!("Adopt {} from the hub", plain(&only.path.short()));
        if subject.chars().count() <= SUBJECT {
            return subject;
        }
    }
    let values = words::count(words::wide(adoption.adopted.len()), "value");
    format!("Adopt {values} of {} from the hub", words::count(words::wide(adoption.devices()), "device"))
}

fn value(report: &AdoptionReport<'_>, one: &Adopted, text: &mut String) {
    let (from, to) = change(one);
    let (path, at) = (plain(&one.path.to_string()), plain(&place(report, one)));
    words::push(text, format_args!("\n{path}: {from} -> {to}\n  {at}, {}\n", plain(&home(one))));
    for seen in one.twins.iter().take(TWINS) {
        words::push(text, format_args!("  from {}\n", twin(seen)));
    }
    if one.twins.len() > TWINS {
        words::push(text, format_args!("  and {} more\n", one.twins.len() - TWINS));
    }
}

/// `kiosk-1, version 4, changed at 2026-11-23T20:00:00Z`.
fn twin(seen: &Seen) -> String {
    let time = seen.since.as_deref().and_then(words::moment);
    let since = time.map(|time| format!(", changed at {}", plain(&time))).unwrap_or_default();
    format!("{}, version {}{since}", seen.device, seen.version)
}
