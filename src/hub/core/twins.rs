//! Twins, from the service's side (protocol reference 4).

use super::{Core, Decision, device_link};
use crate::{
    hub::{
        events::TwinOperation,
        failure::Failure,
        ports::Links,
        record::{Mode, Record, TwinWrite, twin_view},
        store::Store,
        time,
    },
    iothub::{ETag, IfMatch},
    twin::DeviceId,
};

impl<S: Store, L: Links> Core<S, L> {
    /// The whole twin as JSON text, and its etag.
    pub(crate) async fn twin(&self, id: &DeviceId) -> Result<(String, ETag), Failure> {
        self.view(&self.record(id).await?)
    }

    /// Merges into a twin or replaces it; the device hears of it once it is durable. The twin as it is now.
    pub(crate) async fn write_twin(
        &self,
        id: &DeviceId,
        body: &[u8],
        mode: Mode,
        if_match: Option<&IfMatch>,
    ) -> Result<(String, ETag), Failure> {
        let write = TwinWrite::parse(body, mode)?;
        let link = device_link(id);
        let change = |record: &mut Record| {
            if if_match.is_some_and(|if_match| !if_match.allows(&record.etag())) {
                return Err(Failure::stale());
            }
            let told = write.apply(record, &time::text(time::now()))?;
            Ok(if write.is_empty() { Decision::Leave(told) } else { Decision::Write(told) })
        };
        let operation = match mode {
            Mode::Merge => TwinOperation::Update,
            Mode::Replace => TwinOperation::Replace,
        };
        self.view(&*self.change_twin_as(operation, &link, change).await?)
    }

    pub(super) fn view(&self, record: &Record) -> Result<(String, ETag), Failure> {
        Ok((twin_view(record, &self.presence.of(record))?, record.etag()))
    }
}
