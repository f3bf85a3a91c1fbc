//! What a simulation says: events for programs, a bar and a last line for people.

use std::{collections::BTreeMap, io, time::Instant};

use serde::Serialize;

use crate::{
    agent::simulation::{Counts, Tally},
    cli::{Printer, Progress},
    report::Format,
};

/// An event of a simulation, one in a line of `twinops simulate --format json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase")]
pub(crate) enum SimulationEvent {
    /// Devices begin to connect.
    #[serde(rename_all = "camelCase")]
    Started {
        /// Of these events. Within a version members are added and never change their meaning.
        version: u32,
        /// The hub's name.
        hub: String,
        /// How many devices there are.
        devices: u64,
        /// How many of them were made for that.
        created: u64,
    },
    /// How things stand.
    #[serde(rename_all = "camelCase")]
    Progress {
        /// Since the start.
        seconds: f64,
        /// In numbers.
        #[serde(flatten)]
        counts: Counts,
    },
    /// Something went wrong for the first time.
    #[serde(rename_all = "camelCase")]
    Trouble {
        /// Since the start.
        seconds: f64,
        /// What.
        message: String,
    },
    /// All devices have said goodbye.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// Since the start.
        seconds: f64,
        /// As things stood at the end.
        #[serde(flatten)]
        counts: Counts,
        /// What went wrong, and how often.
        troubles: BTreeMap<String, u64>,
        /// How many devices were removed from the hub.
        deleted: u64,
    },
}

/// Tells of a simulation under way.
pub(super) struct Told<'a> {
    pub(super) printer: &'a Printer,
    pub(super) format: Format,
    pub(super) progress: Progress,
    pub(super) start: Instant,
    pub(super) troubles: BTreeMap<String, u64>,
}

impl Told<'_> {
    pub(super) fn seconds(&self) -> f64 {
        (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }

    pub(super) fn event(&self, event: &SimulationEvent) -> io::Result<()> {
        if self.format != Format::Json {
            return Ok(());
        }
        let line = serde_json::to_string(event)?;
        self.printer.result(|out| writeln!(out, "{line}"))
    }

    /// How things stand now, and what went wrong that was not told yet.
    pub(super) fn now(&mut self, tally: &Tally) -> io::Result<()> {
        let (seconds, counts) = (self.seconds(), tally.counts());
        for (message, count) in tally.troubles() {
            if self.troubles.insert(message.clone(), count).is_none() {
                self.printer.warn(format_args!("{message}"));
                self.event(&SimulationEvent::Trouble { seconds, message })?;
            }
        }
        self.progress.at(counts.settled + counts.failed);
        self.progress.words(words(&counts));
        self.event(&SimulationEvent::Progress { seconds, counts })
    }

    /// The last word.
    pub(super) fn end(&self, counts: Counts, troubles: BTreeMap<String, u64>, deleted: u64) -> io::Result<()> {
        self.progress.finish();
        let seconds = self.seconds();
        if self.format == Format::Json {
            return self.event(&SimulationEvent::Ended { seconds, counts, troubles, deleted });
        }
        let Counts { devices, connects, lost, desired, reports, methods, .. } = counts;
        self.printer.result(|out| {
            writeln!(out, "{devices} devices for {seconds:.0} s: {}", words(&counts))?;
            writeln!(
                out,
                "{connects} connects, {lost} lost, {desired} desired sections and patches, {reports} reports, {methods} methods"
            )?;
            troubles.iter().try_for_each(|(why, count)| writeln!(out, "{count} times: {why}"))
        })
    }
}

fn words(counts: &Counts) -> String {
    let Counts { connected, settled, failed, away, .. } = counts;
    format!("{connected} connected, {settled} settled, {failed} failed, {away} away")
}
