//! From somebody who has proved who they are to a device of this hub.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    super::{ATTEMPTS, Core, device_link, family, identity_rules, tell},
    enroll::busy,
    register::Known,
};
use crate::{
    hub::{
        dps::{Breed, Registration, RegistrationStatus, ReprovisionPolicy, Substatus},
        failure::Failure,
        ports::{Links, Registrant},
        record::{Mode, Record, TwinWrite},
        store::{Change, Document, Kind, Outcome, Store},
        time,
    },
    iothub::{DeviceIdentity, ErrorCode},
    twin::DeviceId,
};

/// Who is to be assigned, and what was known of them before.
struct Arrival<'a> {
    who: &'a Registrant,
    known: &'a Known,
    model: Option<&'a str>,
    before: Option<&'a Registration>,
    device: &'a DeviceId,
    now: Timestamp,
    time: &'a str,
}

/// What an assignment does to a device.
struct Plan {
    changes: Vec<Change>,
    substatus: Substatus,
    /// The version of the desired properties and the patch, if the device must hear of it.
    told: Option<(u64, Bytes)>,
    /// Its link was made with what is no longer its key.
    cut: bool,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Makes or takes over the device, unless the enrolment is disabled, and keeps what came of it.
    pub(super) async fn assign(
        &self,
        who: &Registrant,
        known: &Known,
        model: Option<&str>,
    ) -> Result<Registration, Failure> {
        for _ in 0..ATTEMPTS {
            let (before, revision) = match self.stored_registration(&who.id).await? {
                Some((before, document)) => (Some(before), document.revision),
                None => (None, 0),
            };
            let device = device(who, known, before.as_ref())?;
            let link = device_link(&device);
            // Until the device was told, so that it hears of writes in their order.
            let _turn = self.locks.turn(&link).await;
            let now = time::now();
            let time = time::text(now);
            let arrival = Arrival { who, known, model, before: before.as_ref(), device: &device, now, time: &time };
            let plan = if known.enrollment.is_enabled() { Some(self.plan(&arrival).await?) } else { None };
            let registration = self.outcome(&arrival, plan.as_ref())?;
            let id = who.id.key().into();
            let document = Document { kind: Kind::Registration, id, revision, body: registration.text().into() };
            let mut batch = vec![Change::Document(Arc::new(document))];
            batch.extend(plan.iter().flat_map(|plan| plan.changes.iter().cloned()));
            if self.commit(batch).await? == Outcome::Written {
                if let Some(plan) = plan {
                    self.tell(&device, plan);
                }
                return Ok(registration);
            }
        }
        Err(busy())
    }

    async fn plan(&self, arrival: &Arrival<'_>) -> Result<Plan, Failure> {
        match self.store.get(&device_link(arrival.device)).await? {
            None => newcomer(arrival),
            Some(record) => returning(arrival, record),
        }
    }

    fn outcome(&self, arrival: &Arrival<'_>, plan: Option<&Plan>) -> Result<Registration, Failure> {
        let Arrival { who, known, before, device, time, .. } = arrival;
        let Some(plan) = plan else {
            return Registration::next(&who.id, known.group(), RegistrationStatus::Disabled, *before, time);
        };
        let mut next = Registration::next(&who.id, known.group(), RegistrationStatus::Assigned, *before, time)?;
        next.state.assigned_hub = Some(known.enrollment.hub().unwrap_or(&self.provisioner.hub).to_owned());
        next.state.device_id = Some(device.to_string());
        next.state.substatus = Some(plan.substatus);
        Ok(next)
    }

    fn tell(&self, device: &DeviceId, plan: Plan) {
        let link = device_link(device);
        if let Some((version, patch)) = plan.told {
            self.links.desired(&link, version, patch);
        }
        if plan.cut {
            self.links.cut(&link);
        }
    }
}

/// The device's name: what the enrolment says, or what it was before, or the registration's.
fn device(who: &Registrant, known: &Known, before: Option<&Registration>) -> Result<DeviceId, Failure> {
    let name = match known.breed {
        Breed::Individual => known.enrollment.device_id.as_deref().or_else(|| known.enrollment.id(Breed::Individual)),
        Breed::Group => {
            before.filter(|before| before.group == known.group()).and_then(|before| before.state.device_id.as_deref())
        }
    };
    DeviceId::new(name.unwrap_or(who.id.as_str())).map_err(|error| Failure::invalid(error.to_string()))
}

/// A device that is not there yet.
fn newcomer(arrival: &Arrival<'_>) -> Result<Plan, Failure> {
    let enrollment = &arrival.known.enrollment;
    let body = DeviceIdentity {
        authentication: Some(arrival.known.authentication.clone()),
        capabilities: enrollment.capabilities.unwrap_or_default(),
        ..DeviceIdentity::default()
    };
    let ticks = time::ticks(arrival.now);
    let identity = identity_rules::replace(arrival.device, body, None, ticks, arrival.time)?;
    let record = Record::fresh(device_link(arrival.device), &identity, ticks, arrival.time);
    let mut record = record.map_err(unwritable)?;
    if let Some(twin) = enrollment.initial_twin()? {
        twin.apply(&mut record, arrival.time)?;
    }
    if let Some(model) = arrival.model {
        record.model_id = model.into();
    }
    let mut changes = vec![Change::Insert(Arc::new(record))];
    if identity.capabilities.iot_edge {
        changes.extend(family::system_modules(&identity, arrival.device, arrival.now)?);
    }
    Ok(Plan { changes, substatus: Substatus::InitialAssignment, told: None, cut: false })
}

/// A device that is there: its credentials become those that were proved, and its twin stays or falls back, as the
/// enrolment's policy says. Whether it may connect, and what it has reported, is not touched.
fn returning(arrival: &Arrival<'_>, mut record: Record) -> Result<Plan, Failure> {
    let mut identity = record.identity()?;
    let is_same = identity.authentication.as_ref() == Some(&arrival.known.authentication);
    check_ours(arrival, is_same)?;
    if !is_same {
        identity.etag = identity_rules::next_etag(Some(&identity.etag))?;
        identity.authentication = Some(arrival.known.authentication.clone());
        record.set_identity(&identity).map_err(unwritable)?;
    }
    let (substatus, told) = match arrival.known.enrollment.reprovision_policy() {
        ReprovisionPolicy { update_hub_assignment: false, .. } => {
            let before = arrival.before.and_then(|before| before.state.substatus);
            (before.unwrap_or(Substatus::InitialAssignment), None)
        }
        ReprovisionPolicy { migrate_device_data: true, .. } => (Substatus::DeviceDataMigrated, None),
        ReprovisionPolicy { migrate_device_data: false, .. } => {
            (Substatus::DeviceDataReset, reset(arrival, &mut record)?)
        }
    };
    let model = arrival.model.filter(|model| **model != *record.model_id);
    if let Some(model) = model {
        record.model_id = model.into();
    }
    let is_changed = !is_same || model.is_some() || told.is_some();
    let tells = told.iter().map(|(_, patch)| tell(&record, patch.clone())).collect::<Vec<_>>();
    let update = is_changed.then(|| Change::Update(Arc::new(record)));
    let changes = update.into_iter().chain(tells).collect();
    Ok(Plan { changes, substatus, told, cut: !is_same })
}

/// Puts tags and desired properties back to the initial ones; their version goes on.
fn reset(arrival: &Arrival<'_>, record: &mut Record) -> Result<Option<(u64, Bytes)>, Failure> {
    let initial = match arrival.known.enrollment.initial_twin()? {
        Some(initial) => initial,
        None => TwinWrite::parse(b"{}", Mode::Replace)?,
    };
    let patch = initial.apply(record, arrival.time)?;
    Ok(patch.map(|patch| (record.desired.version, patch)))
}

/// A group vouches for its own devices. Whoever signs for a group must not get hold of others by naming them; an
/// individual enrolment names its device on purpose.
fn check_ours(arrival: &Arrival<'_>, is_same: bool) -> Result<(), Failure> {
    let Arrival { known, before, device, .. } = arrival;
    let is_ours = before.is_some_and(|before| {
        before.group == known.group() && before.state.device_id.as_deref() == Some(device.as_str())
    });
    if known.breed == Breed::Individual || is_same || is_ours {
        return Ok(());
    }
    let message = format!(
        "the hub has a device `{device}` that this enrolment group has not made; delete it, or enrol it individually"
    );
    Err(Failure::new(ErrorCode::GenericConflict, message))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(ErrorCode::ServerError, format!("the identity cannot be stored: {error}"))
}
