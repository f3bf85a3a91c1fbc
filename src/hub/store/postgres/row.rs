//! Records as rows.

use tokio_postgres::Row;

use super::{
    super::{Document, Kind},
    fault::Fault,
};
use crate::{
    hub::{
        ports::LinkId,
        record::{Half, Record, Session, Waiting},
    },
    twin::DeviceId,
};

/// What [`read`] expects, in its order; `r` is a record, `s` its session, `n` the node that has its link.
pub(super) const COLUMNS: &str = "r.device_id, r.module_id, r.revision, r.enabled, r.identity, r.model_id, r.etag, \
    r.version, r.tags, r.desired, r.desired_metadata, r.desired_version, r.reported, r.reported_metadata, \
    r.reported_version, s.subscriptions, s.last_activity, s.state_changed, n.id IS NOT NULL, r.configurations, s.waiting";

/// Where [`COLUMNS`] come from, behind a record `r`. A session counts as a link as long as its node is heard of.
pub(super) const SESSIONS: &str = "LEFT JOIN session s ON s.device_id = r.device_id AND s.module_id = r.module_id \
    LEFT JOIN node n ON n.id = s.node AND n.heartbeat > now() - interval '15 seconds'";

/// Reads one row.
pub(super) fn read(row: &Row) -> Result<Record, Fault> {
    let half = |first: usize| -> Result<Half, Fault> {
        Ok(Half { values: row.try_get(first)?, metadata: row.try_get(first + 1)?, version: counter(row, first + 2)? })
    };
    Ok(Record {
        link: link(row, 0)?,
        revision: counter(row, 2)?,
        enabled: row.try_get(3)?,
        identity: row.try_get(4)?,
        model_id: row.try_get(5)?,
        etag: counter(row, 6)?,
        version: counter(row, 7)?,
        tags: row.try_get(8)?,
        desired: half(9)?,
        reported: half(12)?,
        configurations: row.try_get(19)?,
        session: Session {
            subscriptions: u32::try_from(row.try_get::<_, Option<i64>>(15)?.unwrap_or_default()).unwrap_or_default(),
            last_activity: row.try_get(16)?,
            state_changed: row.try_get(17)?,
            connected: row.try_get(18)?,
            waiting: waiting(row, 20)?,
        },
    })
}

fn waiting(row: &Row, at: usize) -> Result<Waiting, Fault> {
    let text: Option<&str> = row.try_get(at)?;
    text.map_or_else(|| Ok(Waiting::default()), Waiting::read).map_err(|error| Fault::statement(error.to_string()))
}

/// Reads a document from id, revision and body.
pub(super) fn document(kind: Kind, row: &Row) -> Result<Document, Fault> {
    Ok(Document { kind, id: row.try_get(0)?, revision: counter(row, 1)?, body: row.try_get(2)? })
}

/// The name that stands in two columns.
pub(super) fn link(row: &Row, first: usize) -> Result<LinkId, Fault> {
    let device: &str = row.try_get(first)?;
    let device = DeviceId::new(device).map_err(|error| Fault::statement(format!("a stored id is none: {error}")))?;
    let module: &str = row.try_get(first + 1)?;
    Ok(LinkId { device, module: (!module.is_empty()).then(|| module.into()) })
}

/// PostgreSQL counts with a sign; no counter of ours comes near it.
pub(super) fn counter(row: &Row, at: usize) -> Result<u64, Fault> {
    Ok(row.try_get::<_, i64>(at)?.cast_unsigned())
}

/// The second column of a name.
pub(super) fn module(link: &LinkId) -> &str {
    link.module.as_deref().unwrap_or_default()
}
