//! Changes by the devices that share them.
//!
//! Devices are grouped by their whole patch, and one value that names its device makes every patch unique. A reader
//! wants it the other way round: each change once, with the devices that it happens to. Sets are of groups, so that a
//! million devices with the same patch weigh as much as one.

use std::{
    cmp::Reverse,
    collections::HashMap,
    hash::{Hash, Hasher},
    mem::{Discriminant, discriminant},
};

use super::{from, sign, to};
use crate::{
    component::{device_agent::META, pnp::MARKER},
    plan::{Delta, Group, GroupKind, Why},
    report::{
        diff::{self, Line},
        words,
    },
    twin::{DeviceId, PropertyPath, Section},
};

/// Single devices that may each tell their own value of a path before one line tells of them all.
const FEW: usize = 5;

/// What happens to exactly these devices.
pub(super) struct Block<'a> {
    /// In order of path, tags last; empty when nothing that a person declared changes.
    pub(super) entries: Vec<Entry<'a>>,
    /// How many devices.
    pub(super) devices: usize,
    /// How many of them are registered first.
    register: usize,
    /// How many of them a rollout takes a commit back from.
    back: usize,
    /// Whether only the marker is written.
    adopt: bool,
    /// The least of them.
    first: Option<&'a DeviceId>,
    /// The groups that they are, as indexes.
    set: Vec<u32>,
    groups: &'a [Group],
}

/// One line of a block.
pub(super) enum Entry<'a> {
    /// The same on every device.
    Shared {
        /// The change.
        delta: &'a Delta,
        /// It stands on more than one line of YAML.
        elsewhere: bool,
    },
    /// Another value on each device.
    Varied {
        /// The change of the first device.
        example: &'a Delta,
        /// That device.
        of: &'a DeviceId,
        /// How many values there are.
        values: usize,
        /// They stand on more than one line of YAML.
        elsewhere: bool,
    },
}

impl<'a> Entry<'a> {
    /// The change, or one for all.
    pub(super) const fn delta(&self) -> &'a Delta {
        match self {
            Self::Shared { delta, .. } | Self::Varied { example: delta, .. } => delta,
        }
    }

    /// The diff of a long value; what differs from device to device has none.
    pub(super) fn unified(&self, most: usize) -> Option<(Vec<Line>, usize)> {
        match self {
            Self::Shared { delta, .. } => diff::unified(from(delta), to(delta), most),
            Self::Varied { .. } => None,
        }
    }

    pub(super) const fn elsewhere(&self) -> bool {
        match self {
            Self::Shared { elsewhere, .. } | Self::Varied { elsewhere, .. } => *elsewhere,
        }
    }
}

impl<'a> Block<'a> {
    fn new(groups: &'a [Group], register: &[usize], set: Vec<u32>, mut entries: Vec<Entry<'a>>) -> Self {
        entries.sort_by(|a, b| {
            let rank = |path: &PropertyPath| path.section == Section::Tags;
            let (a, b) = (&a.delta().path, &b.delta().path);
            rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
        });
        let members = || set.iter().map(|at| &groups[*at as usize]);
        Self {
            entries,
            devices: members().map(|group| group.devices.len()).sum(),
            register: set.iter().map(|at| register[*at as usize]).sum(),
            back: members().filter(|group| group.goes_back).map(|group| group.devices.len()).sum(),
            adopt: members().all(|group| group.kind == GroupKind::Adopt),
            first: members().filter_map(|group| group.devices.first()).map(|planned| &planned.device).min(),
            set,
            groups,
        }
    }

    fn path(&self) -> Option<&'a PropertyPath> {
        self.entries.first().map(|entry| &entry.delta().path)
    }

    /// `16 devices`.
    pub(super) fn count(&self) -> String {
        words::count(words::wide(self.devices), "device")
    }

    /// `kiosk-0001, kiosk-0002, +7`: the first by id, each passed through `show`.
    pub(super) fn names(&self, most: usize, show: impl Fn(&str) -> String) -> String {
        words::named(self.samples(most), self.devices, most, show)
    }

    /// The first by id.
    pub(super) fn samples(&self, most: usize) -> Vec<&'a DeviceId> {
        let mut first: Vec<&DeviceId> = Vec::with_capacity(most * 2);
        for at in &self.set {
            first.extend(self.groups[*at as usize].devices.iter().take(most).map(|planned| &planned.device));
            first.sort_unstable();
            first.truncate(most);
        }
        first
    }

    /// What the lines do not say.
    pub(super) fn remark(&self) -> Option<String> {
        let registered = match self.register {
            0 => None,
            n if n == self.devices => Some("registered first".to_owned()),
            n => Some(format!("{n} of them registered first")),
        };
        let written = match (self.adopt, self.entries.is_empty()) {
            (true, _) => Some("adopt: only the marker is written"),
            (false, true) if registered.is_none() => Some("only what marks components is written"),
            (false, _) => None,
        };
        let back = match self.back {
            0 => None,
            n if n == self.devices => Some("goes back to what the commit before wanted".to_owned()),
            n => Some(format!("{n} of them go back to what the commit before wanted")),
        };
        let said: Vec<_> = [written.map(str::to_owned), registered, back].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// The changes of a plan by the devices that share them: largest set first, then by id; single devices and adopts last.
pub(super) fn blocks(groups: &[Group]) -> Vec<Block<'_>> {
    let mut sets: HashMap<Vec<u32>, Vec<Entry<'_>>> = HashMap::new();
    let (shared, own) = changes(groups).into_iter().partition::<Vec<_>, _>(|change| !change.is_single(groups));
    for (set, entry) in shared.into_iter().map(Change::entry).chain(varied(groups, own)) {
        sets.entry(set).or_default().push(entry);
    }
    for set in bare(groups) {
        sets.insert(set, Vec::new());
    }
    let register: Vec<usize> = groups.iter().map(registered).collect();
    let mut blocks: Vec<_> =
        sets.into_iter().map(|(set, entries)| Block::new(groups, &register, set, entries)).collect();
    blocks.sort_by(|a, b| {
        let rank = |block: &Block<'_>| (block.adopt, Reverse(block.devices));
        rank(a).cmp(&rank(b)).then_with(|| a.first.cmp(&b.first)).then_with(|| a.path().cmp(&b.path()))
    });
    blocks
}

fn registered(group: &Group) -> usize {
    group.devices.iter().filter(|planned| planned.register.is_some()).count()
}

/// Whether a person declared this: what marks a component is ours.
fn is_declared(delta: &Delta) -> bool {
    !delta.path.keys.iter().any(|key| matches!(&**key, MARKER | META))
}

/// A change and the groups that it is part of.
struct Change<'a> {
    delta: &'a Delta,
    elsewhere: bool,
    set: Vec<u32>,
}

impl<'a> Change<'a> {
    fn entry(self) -> (Vec<u32>, Entry<'a>) {
        (self.set, Entry::Shared { delta: self.delta, elsewhere: self.elsewhere })
    }

    fn is_single(&self, groups: &[Group]) -> bool {
        matches!(*self.set, [at] if groups[at as usize].devices.len() == 1)
    }
}

/// Every distinct change, in order of its first group.
fn changes(groups: &[Group]) -> Vec<Change<'_>> {
    let mut known: HashMap<Same<'_>, usize> = HashMap::new();
    let mut changes: Vec<Change<'_>> = Vec::new();
    for (at, group) in (0u32..).zip(groups) {
        for delta in group.deltas.iter().filter(|delta| is_declared(delta)) {
            let next = changes.len();
            let known = *known.entry(Same(delta)).or_insert(next);
            if known == next {
                changes.push(Change { delta, elsewhere: false, set: Vec::new() });
            }
            let change = &mut changes[known];
            change.elsewhere |= change.delta.origin != delta.origin;
            change.set.push(at);
        }
    }
    changes
}

/// Folds the changes of single devices where many differ in nothing but the value.
fn varied<'a>(groups: &'a [Group], own: Vec<Change<'a>>) -> Vec<(Vec<u32>, Entry<'a>)> {
    let mut paths: HashMap<(&PropertyPath, char, Discriminant<Why>), Vec<Change<'_>>> = HashMap::new();
    for change in own {
        let delta = change.delta;
        paths.entry((&delta.path, sign(delta), discriminant(&delta.why))).or_default().push(change);
    }
    let mut entries = Vec::new();
    for alike in paths.into_values() {
        if alike.len() <= FEW {
            entries.extend(alike.into_iter().map(Change::entry));
        } else {
            entries.extend(one_for_all(groups, &alike));
        }
    }
    entries
}

fn one_for_all<'a>(groups: &'a [Group], alike: &[Change<'a>]) -> Option<(Vec<u32>, Entry<'a>)> {
    let device = |change: &Change<'a>| change.set.first().map(|at| &groups[*at as usize].devices[0].device);
    let first = alike.iter().min_by_key(|change| device(change))?;
    let mut set: Vec<u32> = alike.iter().flat_map(|change| change.set.iter().copied()).collect();
    set.sort_unstable();
    let elsewhere = alike.iter().any(|change| change.delta.origin != first.delta.origin);
    Some((set, Entry::Varied { example: first.delta, of: device(first)?, values: alike.len(), elsewhere }))
}

/// The sets of groups that have nothing to show: adopts, and devices that are only registered or marked.
fn bare(groups: &[Group]) -> impl Iterator<Item = Vec<u32>> {
    let of = |kind: GroupKind| {
        let is_bare = move |group: &Group| group.kind == kind && !group.deltas.iter().any(is_declared);
        (0u32..).zip(groups).filter(move |(_, group)| is_bare(group)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    [of(GroupKind::Change), of(GroupKind::Adopt)].into_iter().filter(|set| !set.is_empty())
}

/// Changes are the same wherever they are declared.
struct Same<'a>(&'a Delta);

impl PartialEq for Same<'_> {
    fn eq(&self, other: &Self) -> bool {
        let Delta { path, from, to, why, origin: _, at: _, secret, claimed: _ } = self.0;
        let other = other.0;
        *path == other.path && *from == other.from && *to == other.to && *why == other.why && *secret == other.secret
    }
}

impl Eq for Same<'_> {}

impl Hash for Same<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Delta { path, from, to, .. } = self.0;
        (path, from, to).hash(state);
    }
}
