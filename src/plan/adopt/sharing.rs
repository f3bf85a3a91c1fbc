//! How many devices take a value from the same line of a profile.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::EditedTwin;
use crate::{
    fleet::Place,
    plan::{PlanError, Planner, class::ByIdentity},
    twin::{PropertyPath, TwinRow},
};

/// A line, and the path that it is asked about.
pub(super) type Line = (Place, PropertyPath);

/// Counts devices by the line that their value comes from; several may count parts of a fleet.
#[derive(Clone)]
pub struct Sharing {
    planner: Arc<Planner>,
    lines: Arc<Vec<Line>>,
    devices: Vec<u64>,
    /// Which of the lines hold for a class of devices without documents of their own.
    classes: HashMap<ByIdentity, Vec<usize>>,
}

impl Sharing {
    /// Nothing counted yet, of the lines of profiles that these twins differ from.
    pub fn new(planner: Arc<Planner>, twins: &[EditedTwin]) -> Self {
        let fleet = planner.fleet();
        let is_profile = |place: &Place| {
            let mut profiles = fleet.profiles.iter().map(|profile| &profile.document);
            profiles.any(|document| document.file == place.file && document.document == place.document)
        };
        let edits = twins.iter().flat_map(|twin| &twin.edits).filter(|edit| edit.left.is_none());
        let lines = edits.filter_map(|edit| Some((edit.origin.clone()?, edit.path.clone())));
        let lines: std::collections::BTreeSet<Line> = lines.filter(|(place, _)| is_profile(place)).collect();
        let lines: Vec<Line> = lines.into_iter().collect();
        Self { planner, devices: vec![0; lines.len()], lines: Arc::new(lines), classes: HashMap::new() }
    }

    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Takes one twin.
    ///
    /// # Errors
    /// When it cannot be read. One that the fleet cannot make up its mind about is passed over.
    pub fn take(&mut self, row: &TwinRow<'_>) -> Result<(), PlanError> {
        let subject = match self.planner.subject(row) {
            Ok(subject) => subject,
            Err(PlanError::Unresolved(_)) => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let wanted = &subject.class.wanted;
        let resolver = self.planner.resolver();
        let holding = || {
            let holds = |line: &&Line| resolver.origin(wanted, &line.1).as_ref() == Some(&line.0);
            let lines = self.lines.iter().enumerate();
            lines.filter(|(_, line)| holds(line)).map(|(at, _)| at).collect::<Vec<usize>>()
        };
        if self.planner.fleet().devices.contains_key(&*row.device_id) {
            for at in holding() {
                self.devices[at] += 1;
            }
            return Ok(());
        }
        let key = ByIdentity(Some(Arc::clone(wanted)));
        if !self.classes.contains_key(&key) {
            let lines = holding();
            self.classes.insert(key.clone(), lines);
        }
        for at in self.classes.get(&key).into_iter().flatten() {
            self.devices[*at] += 1;
        }
        Ok(())
    }

    /// Takes over what another counted of other devices.
    pub fn merge(&mut self, other: &Self) {
        for (here, there) in self.devices.iter_mut().zip(&other.devices) {
            *here += there;
        }
    }

    /// How many devices take the value from each line.
    pub(super) fn counts(&self) -> BTreeMap<&Line, u64> {
        self.lines.iter().zip(self.devices.iter().copied()).collect()
    }
}
