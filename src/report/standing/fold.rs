//! The same verdict for the same reason on many devices is told once.

use std::{cmp::Reverse, collections::HashMap};

use serde_json::Value;

use crate::{
    fleet::Place,
    plan::{DeviceVerdict, PropertyVerdict, Standing, Verdict},
    report::words,
    twin::{DeviceId, PropertyPath},
};

/// What makes two verdicts the same: all but their age.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    verdict: Verdict,
    path: &'a PropertyPath,
    wanted: Option<&'a Value>,
    live: Option<&'a Value>,
    reported: Option<&'a Value>,
    message: Option<&'a str>,
    by: Option<&'a str>,
    origin: Option<&'a Place>,
    secret: bool,
}

/// One verdict and the devices that it holds for.
pub(crate) struct Fold<'a> {
    /// The verdict as it stands for the first of them.
    pub(crate) of: &'a PropertyVerdict,
    /// The first few devices.
    pub(crate) samples: Vec<&'a DeviceId>,
    /// How many there are.
    pub(crate) devices: usize,
    /// The earliest and the latest age, where any is known.
    pub(crate) since: Option<(&'a str, &'a str)>,
}

impl Fold<'_> {
    /// `since T`, or `since T to U` for devices that differ.
    pub(crate) fn age(&self) -> Option<String> {
        let (first, last) = self.since?;
        let (first, last) = (words::moment(first)?, words::moment(last)?);
        Some(if first == last { format!("since {first}") } else { format!("since {first} to {last}") })
    }

    pub(crate) fn names(&self, show: impl Fn(&str) -> String) -> String {
        words::named(self.samples.iter().copied(), self.devices, self.samples.len(), show)
    }
}

/// The verdicts to be listed, folded: worst first, then those of most devices, then by path.
pub(crate) fn fold(standing: &Standing, samples: usize, lists: impl Fn(Verdict) -> bool) -> Vec<Fold<'_>> {
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    let mut folds: Vec<Fold<'_>> = Vec::new();
    for device in &standing.outstanding {
        for property in device.properties.iter().filter(|property| lists(property.verdict)) {
            let next = folds.len();
            let at = *known.entry(key(property)).or_insert(next);
            if at == next {
                folds.push(Fold { of: property, samples: Vec::new(), devices: 0, since: None });
            }
            add(&mut folds[at], device, property, samples);
        }
    }
    folds.sort_by(|a, b| {
        let rank = |fold: &Fold<'_>| (Reverse(fold.of.verdict), Reverse(fold.devices));
        rank(a).cmp(&rank(b)).then_with(|| a.of.path.cmp(&b.of.path))
    });
    folds
}

fn add<'a>(fold: &mut Fold<'a>, device: &'a DeviceVerdict, property: &'a PropertyVerdict, samples: usize) {
    fold.devices += 1;
    if fold.samples.len() < samples {
        fold.samples.push(&device.device);
    }
    if let Some(since) = property.since.as_deref() {
        let (first, last) = fold.since.unwrap_or((since, since));
        fold.since = Some((first.min(since), last.max(since)));
    }
}

fn key(property: &PropertyVerdict) -> Key<'_> {
    let PropertyVerdict { path, verdict, wanted, live, reported, since: _, message, by, origin, secret } = property;
    Key {
        verdict: *verdict,
        path,
        wanted: wanted.as_ref(),
        live: live.as_ref(),
        reported: reported.as_ref(),
        message: message.as_deref(),
        by: by.as_deref(),
        origin: origin.as_ref(),
        secret: *secret,
    }
}
