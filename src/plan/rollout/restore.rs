//! What a device gets now: what the current commit wants, nothing while it waits, or what the commit before wanted.

use std::sync::Arc;

use super::{Course, Place};
use crate::{
    fleet::resolve::Facts,
    plan::{
        DeviceChange, Group, Look, Marker, Notice, PlanError, PlannedDevice,
        groups::Groups,
        patch::{self, Signature},
        planner::{Planner, Subject, remaining},
        rival,
    },
    twin::{DeviceId, TwinRow},
};

/// Most devices named that cannot go back.
const SAMPLES: usize = 5;

impl Planner {
    /// What a twin is to get now, as a course has it: for a device that is planned afresh while a plan is carried out.
    ///
    /// # Errors
    /// As [`Planner::look`].
    pub fn look_within(&self, row: &TwinRow<'_>, course: &Course) -> Result<Look, PlanError> {
        let mut look = self.look(row)?;
        if let Some(back) = self.look_back(row, &look, course)? {
            look.change = Some(back);
        } else if !self.may_change(row, &look, course) {
            look.change = None;
        }
        Ok(look)
    }

    /// Whether a device that was looked at may be changed now.
    fn may_change(&self, row: &TwinRow<'_>, look: &Look, course: &Course) -> bool {
        let Some(member) = look.member.as_deref() else { return true };
        let Some(rollout) = self.fleet().rollouts.get(member.governed.rollout) else { return true };
        let place: Place = member.place(rollout, &row.device_id);
        course.is_open(place) && course.is_in_window(rollout, member)
    }

    /// What a device gets that goes back to the commit before; `None` for one that does not, or cannot.
    ///
    /// # Errors
    /// When the twin cannot be read.
    pub(in crate::plan) fn look_back(
        &self,
        row: &TwinRow<'_>,
        look: &Look,
        course: &Course,
    ) -> Result<Option<DeviceChange>, PlanError> {
        let Some(member) = look.member.as_deref().filter(|member| course.is_back(member)) else { return Ok(None) };
        let Some((mark, previous)) = member.mark.as_ref().and_then(|mark| Some((mark, mark.previous.as_deref()?)))
        else {
            return Ok(None);
        };
        let Some(before) = self.at(previous) else { return Ok(None) };
        let (id, tags) = (row.id()?, row.tags()?);
        let reported = row.properties.reported.values()?;
        let facts = Facts { id: &id, tags: &tags, reported: Some(&reported), model_id: row.model_id.as_deref() };
        let Some(marker) = Marker::find(&self.fleet().name, &tags) else { return Ok(None) };
        let base = self.base(&facts, &marker);
        let left = remaining(&tags, base.wanted.as_deref());
        // What applied then and does not resolve any more cannot be restored: the device stays as it is.
        let Ok(Some(wanted)) = before.wanted(&Facts { tags: &left, ..facts }) else { return Ok(None) };
        let class = self.class(Some(wanted), base.wanted);
        let subject = Subject {
            class,
            selected: true,
            managed: true,
            base_lost: None,
            others: None,
            revision: Some(marker.revision.as_ref().into()),
            returned: Arc::new(rival::returned(&marker)),
            member: None,
        };
        let all = self.changes(&subject, row)?;
        let mut aside = Look { contested: Vec::new(), ..look.clone() };
        let changes = self.without_rivals(row, &subject, &all, &mut aside)?;
        let signature = Signature { revision: previous, previous: None, rejected: Some(&mark.revision) };
        let (before, patch) = patch::bodies(self, &subject, row, &all, &changes, &signature)?;
        let (class, claims) = (Arc::clone(&subject.class), Vec::new());
        Ok(Some(DeviceChange { changes, patch, before, class, claims, revision: None, goes_back: true }))
    }
}

/// Looks at twins once more, for those that go back. Rollbacks are rare: the second pass costs nothing in all other
/// runs, where remembering how every device would go back would cost each of them its memory.
pub struct Returning {
    planner: Arc<Planner>,
    course: Arc<Course>,
    groups: Groups,
    stay: (u64, Vec<DeviceId>),
}

impl Returning {
    /// Nothing looked at yet.
    pub fn new(planner: Arc<Planner>, course: Arc<Course>) -> Self {
        Self { planner, course, groups: Groups::default(), stay: (0, Vec::new()) }
    }

    /// Keeps what a twin gets if it goes back.
    ///
    /// # Errors
    /// When the row is no twin.
    pub fn take(&mut self, row: &TwinRow<'_>) -> Result<(), PlanError> {
        let look = match self.planner.look(row) {
            // Its findings were told in the first pass.
            Err(PlanError::Unresolved(_)) => return Ok(()),
            look => look?,
        };
        if !look.member.as_deref().is_some_and(|member| self.course.is_back(member)) {
            return Ok(());
        }
        let device = row.id()?;
        match self.planner.look_back(row, &look, &self.course)? {
            Some(change) => {
                let etag = Some(row.etag.as_ref().into());
                self.groups.add(&self.planner, &change, PlannedDevice { device, etag, managed: true, register: None });
            }
            None => self.stays(1, [device]),
        }
        Ok(())
    }

    fn stays(&mut self, count: u64, devices: impl IntoIterator<Item = DeviceId>) {
        self.stay.0 += count;
        self.stay.1.extend(devices);
        self.stay.1.truncate(SAMPLES);
    }

    /// Takes over what another one has of other twins.
    pub fn merge(&mut self, other: Self) {
        self.groups.merge(other.groups);
        self.stays(other.stay.0, other.stay.1);
    }

    /// The changes, and who stays.
    pub fn finish(self) -> (Vec<Group>, Option<Notice>) {
        let (devices, samples) = self.stay;
        let notice = (devices > 0).then(|| Notice {
            id: "cannot-go-back",
            message: "these keep the rejected commit: they had none before, or it is not in this repository".to_owned(),
            devices,
            samples,
        });
        (self.groups.finish(), notice)
    }
}
