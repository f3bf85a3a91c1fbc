//! Twins, from the service's side (protocol reference 4).

use std::sync::Arc;

use bytes::Bytes;

use super::{Core, Decision};
use crate::{
    hub::{
        events::TwinOperation,
        failure::Failure,
        ports::{LinkId, Links},
        record::{Mode, Record, TwinWrite, twin_view},
        store::Store,
        time,
    },
    iothub::{ETag, IfMatch},
};

/// A write of a twin, and which edition it is meant for.
#[derive(Debug, Clone)]
pub(crate) struct TwinPart {
    pub(crate) write: TwinWrite,
    pub(crate) if_match: Option<IfMatch>,
}

impl TwinPart {
    /// Carries the write out on a record, whole or not at all. Gives what the device must hear of it.
    pub(super) fn apply(&self, record: &mut Record, time: &str) -> Result<Option<Bytes>, Failure> {
        if self.if_match.as_ref().is_some_and(|if_match| !if_match.allows(&record.etag())) {
            return Err(Failure::stale());
        }
        self.write.apply(record, time)
    }
}

impl<S: Store, L: Links> Core<S, L> {
    /// The whole twin as JSON text, and its etag.
    pub(crate) async fn twin(&self, link: &LinkId) -> Result<(String, ETag), Failure> {
        self.view(&self.record(link).await?)
    }

    /// Merges into a twin or replaces it; the device hears of it once it is durable. The twin as it is now.
    pub(crate) async fn write_twin(
        &self,
        link: &LinkId,
        body: &[u8],
        mode: Mode,
        if_match: Option<&IfMatch>,
    ) -> Result<(String, ETag), Failure> {
        let part = TwinPart { write: TwinWrite::parse(body, mode)?, if_match: if_match.cloned() };
        let operation = match mode {
            Mode::Merge => TwinOperation::Update,
            Mode::Replace => TwinOperation::Replace,
        };
        self.view(&*self.write_twin_as(operation, link, &part).await?)
    }

    /// The same with a body that was read before.
    pub(super) async fn write_twin_part(&self, link: &LinkId, part: &TwinPart) -> Result<Arc<Record>, Failure> {
        self.write_twin_as(TwinOperation::Update, link, part).await
    }

    async fn write_twin_as(
        &self,
        operation: TwinOperation,
        link: &LinkId,
        part: &TwinPart,
    ) -> Result<Arc<Record>, Failure> {
        let change = |record: &mut Record| {
            let told = part.apply(record, &time::text(time::now()))?;
            Ok(if part.write.is_empty() { Decision::Leave(told) } else { Decision::Write(told) })
        };
        self.change_twin_as(operation, link, change).await
    }

    pub(super) fn view(&self, record: &Record) -> Result<(String, ETag), Failure> {
        Ok((twin_view(record, &self.presence.of(record))?, record.etag()))
    }
}
