//! Many identities in one request (protocol reference 3.6). Entries are independent: all of them are under way at once,
//! so that the store writes them together, and each succeeds or fails on its own.

use std::{collections::HashSet, sync::Arc};

use tokio::task::JoinSet;

use super::{Core, TwinPart, device_link, family::module_link, module_rules::is_system};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        record::{Mode, TwinWrite},
        store::Store,
    },
    iothub::{
        BulkEntry, BulkError, BulkResult, BulkWarning, DeviceIdentity, ErrorCode, IfMatch, ImportMode,
        MOST_BULK_ENTRIES, ModuleIdentity, REGISTERED_WITHOUT_TWIN,
    },
    twin::DeviceId,
};

/// An identity as an entry describes it.
enum Body {
    Device(DeviceIdentity),
    Module(ModuleIdentity),
}

/// An entry, taken apart.
struct Import {
    link: LinkId,
    body: Body,
    /// The write of its twin; why it cannot be carried out if the entry's sections are none.
    twin: Result<Option<TwinPart>, Failure>,
    etag: Option<IfMatch>,
    twin_etag: Option<IfMatch>,
    mode: ImportMode,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Carries out at most a hundred entries.
    pub(crate) async fn bulk(self: &Arc<Self>, entries: Vec<BulkEntry>) -> Result<BulkResult, Failure> {
        check_size(entries.len())?;
        check_distinct(entries.iter().map(|entry| (entry.id.as_str(), entry.module_id.as_deref())))?;
        let mut tasks = JoinSet::new();
        for (at, entry) in entries.into_iter().enumerate() {
            let core = Arc::clone(self);
            tasks.spawn(async move { (at, core.import(entry).await) });
        }
        let mut results = tasks.join_all().await;
        results.sort_by_key(|(at, _)| *at);
        let mut answer = BulkResult::default();
        for (_, result) in results {
            match result {
                Ok(warning) => answer.warnings.extend(warning),
                Err(error) => answer.errors.push(error),
            }
        }
        answer.is_successful = answer.errors.is_empty();
        Ok(answer)
    }

    /// Carries out one entry.
    pub(crate) async fn import(&self, mut entry: BulkEntry) -> Result<Option<BulkWarning>, BulkError> {
        let import = Import::take(&mut entry);
        let done = match import {
            Ok(import) => self.carry_out(import).await,
            Err(failure) => Err(failure),
        };
        let without_twin = done.map_err(|failure| entry.error(failure.code, failure.message))?;
        Ok(without_twin.map(|failure| BulkWarning {
            device_id: entry.id,
            warning_code: REGISTERED_WITHOUT_TWIN.to_owned(),
            warning_status: failure.message,
        }))
    }

    async fn carry_out(&self, import: Import) -> Result<Option<Failure>, Failure> {
        if import.comes_with_its_gateway() {
            return self.import_twin(import, None).await;
        }
        match import.mode {
            ImportMode::Create => self.import_new(&import).await,
            ImportMode::Update => self.import_over(&import, &IfMatch::Any).await,
            ImportMode::UpdateIfMatchETag => self.import_over(&import, import.etag()?).await,
            ImportMode::CreateOrUpdate => self.import_any(&import, &IfMatch::Any).await,
            ImportMode::CreateOrUpdateIfMatchETag => self.import_any(&import, import.etag()?).await,
            ImportMode::Delete => self.import_delete(&import, &IfMatch::Any).await,
            ImportMode::DeleteIfMatchETag => self.import_delete(&import, import.etag()?).await,
            ImportMode::UpdateTwin => self.import_twin(import, None).await,
            ImportMode::UpdateTwinIfMatchETag => {
                let etag = required(import.twin_etag.as_ref(), "twinETag")?.clone();
                self.import_twin(import, Some(etag)).await
            }
        }
    }

    /// Twin sections that no hub would keep do not keep the identity from being made.
    async fn import_new(&self, import: &Import) -> Result<Option<Failure>, Failure> {
        let (twin, unreadable) = match &import.twin {
            Ok(twin) => (twin.as_ref(), None),
            Err(failure) => (None, Some(failure.clone())),
        };
        let made = match &import.body {
            Body::Device(device) => self.create_device(&import.link.device, device.clone(), twin).await,
            Body::Module(module) => self.create_module(&import.link, module, twin).await,
        };
        made.map(|made| unreadable.or(made.without_twin))
    }

    async fn import_over(&self, import: &Import, if_match: &IfMatch) -> Result<Option<Failure>, Failure> {
        let twin = import.twin.clone()?;
        match &import.body {
            Body::Device(body) => self.update_device(&import.link.device, body, if_match, twin.as_ref()).await?,
            Body::Module(body) => self.update_module(&import.link, body, if_match, twin.as_ref()).await?,
        };
        Ok(None)
    }

    /// Most are new, and making them needs no look at what is there.
    async fn import_any(&self, import: &Import, if_match: &IfMatch) -> Result<Option<Failure>, Failure> {
        match self.import_new(import).await {
            Err(Failure { code: ErrorCode::DeviceAlreadyExists | ErrorCode::ModuleAlreadyExistsOnDevice, .. }) => {
                self.import_over(import, if_match).await
            }
            made => made,
        }
    }

    async fn import_delete(&self, import: &Import, if_match: &IfMatch) -> Result<Option<Failure>, Failure> {
        match &import.body {
            Body::Device(_) => self.delete_identity(&import.link.device, Some(if_match)).await?,
            Body::Module(_) => self.delete_module(&import.link, Some(if_match)).await?,
        }
        Ok(None)
    }

    async fn import_twin(&self, import: Import, if_match: Option<IfMatch>) -> Result<Option<Failure>, Failure> {
        let nothing = || TwinWrite::new(None, None, Mode::Merge);
        let write = import.twin?.map_or_else(nothing, |part| Ok(part.write))?;
        self.write_twin_part(&import.link, &TwinPart { write, if_match }).await?;
        Ok(None)
    }
}

impl Import {
    /// Takes out of an entry all but what names it.
    fn take(entry: &mut BulkEntry) -> Result<Self, Failure> {
        let link = link(&entry.id, entry.module_id.as_deref())?;
        let if_match = |text: &Option<String>| text.as_deref().map(IfMatch::parse);
        let twin_etag = if_match(&entry.twin_etag);
        let desired = entry.properties.take().and_then(|properties| properties.desired);
        let sections = (entry.tags.take(), desired);
        let twin = match sections {
            (None, None) => Ok(None),
            (tags, desired) => TwinWrite::new(tags, desired, Mode::Merge)
                .map(|write| Some(TwinPart { write, if_match: twin_etag.clone() })),
        };
        let etag = if_match(&entry.etag);
        Ok(Self { link, body: body(entry), twin, etag, twin_etag, mode: entry.import_mode })
    }

    /// A gateway's own modules were made with it, so that only their twins are left to be written: what one hub exports
    /// another one takes.
    fn comes_with_its_gateway(&self) -> bool {
        let system = self.link.module.as_deref().is_some_and(is_system);
        system && matches!(self.mode, ImportMode::CreateOrUpdate | ImportMode::CreateOrUpdateIfMatchETag)
    }

    fn etag(&self) -> Result<&IfMatch, Failure> {
        required(self.etag.as_ref(), "eTag")
    }
}

fn required<'a>(etag: Option<&'a IfMatch>, member: &str) -> Result<&'a IfMatch, Failure> {
    etag.ok_or_else(|| {
        let message = format!("Etag missing: this import mode compares {member}, and the entry has none");
        Failure::new(ErrorCode::PreconditionFailed, message)
    })
}

fn body(entry: &mut BulkEntry) -> Body {
    let authentication = entry.authentication.take();
    if entry.module_id.is_some() {
        return Body::Module(ModuleIdentity {
            managed_by: entry.managed_by.take(),
            authentication,
            ..ModuleIdentity::default()
        });
    }
    Body::Device(DeviceIdentity {
        status: entry.status,
        status_reason: entry.status_reason.take(),
        authentication,
        capabilities: entry.capabilities,
        device_scope: entry.device_scope.take(),
        parent_scopes: std::mem::take(&mut entry.parent_scopes),
        ..DeviceIdentity::default()
    })
}

/// Who is meant by two ids.
pub(super) fn link(id: &str, module: Option<&str>) -> Result<LinkId, Failure> {
    let device = DeviceId::new(id).map_err(|error| Failure::invalid(error.to_string()))?;
    let Some(module) = module else { return Ok(device_link(&device)) };
    // A module's name follows the rules for a device's.
    DeviceId::new(module).map_err(|error| Failure::invalid(format!("a module is named like a device: {error}")))?;
    Ok(module_link(&device, module))
}

/// Whether a request has no more entries than it may.
pub(super) fn check_size(entries: usize) -> Result<(), Failure> {
    if entries <= MOST_BULK_ENTRIES {
        return Ok(());
    }
    let message = format!("the request has {entries} entries; send at most {MOST_BULK_ENTRIES} at a time");
    Err(Failure::new(ErrorCode::TooManyDevices, message))
}

/// Whether nobody is named twice, lest one entry's outcome depend on another's.
pub(super) fn check_distinct<'a>(names: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            let module = name.1.map(|module| format!("/{module}")).unwrap_or_default();
            let message = format!("`{}{module}` is in the request more than once", name.0);
            return Err(Failure::new(ErrorCode::DeviceDefinedMultipleTimes, message));
        }
    }
    Ok(())
}
