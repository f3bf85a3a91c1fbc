//! What the service asks for (protocol reference 8.2).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    MOST, REVISION,
    content::{self, Claims, Content},
    document::{Configuration, Results, results_id},
    rules::{self, Body, Now},
    set,
};
use crate::{
    hub::{
        core::{ATTEMPTS, Core, Decision, device_link},
        failure::Failure,
        ports::{LinkId, Links},
        random,
        record::{Mode, TwinWrite},
        store::{Change, Document, Kind, Outcome, Store},
        time,
    },
    iothub::{ETag, ErrorCode, IfMatch},
    twin::{DeviceId, Map},
};

impl<S: Store, L: Links> Core<S, L> {
    /// One configuration, and its etag.
    pub(crate) async fn configuration(&self, id: &str) -> Result<(Value, ETag), Failure> {
        rules::check_id(id)?;
        let (_, configuration) = self.kept_configuration(id).await?.ok_or_else(|| unknown(id))?;
        let results = self.store.document(Kind::ConfigurationResults, &results_id(id)).await?;
        let view = configuration.view(results.as_ref().and_then(Results::read).as_ref())?;
        Ok((view, configuration.etag))
    }

    /// All configurations.
    pub(crate) async fn all_configurations(&self) -> Result<Vec<Value>, Failure> {
        let documents = self.store.documents(Kind::Configuration, "", None, 2 * MOST).await?;
        let results = self.store.documents(Kind::ConfigurationResults, "", None, 4 * MOST).await?;
        let results: BTreeMap<_, _> = results.iter().map(|document| (&*document.id, document)).collect();
        let view = |document: &Document| {
            let results = results.get(&*results_id(&document.id)).and_then(|document| Results::read(document));
            Configuration::read(document)?.view(results.as_ref())
        };
        documents.iter().map(view).collect()
    }

    /// Creates a configuration, or with `If-Match` updates it.
    pub(crate) async fn put_configuration(
        &self,
        id: &str,
        body: &[u8],
        if_match: Option<&IfMatch>,
    ) -> Result<(Value, ETag), Failure> {
        rules::check_id(id)?;
        for _ in 0..ATTEMPTS {
            // Read again each time: it is taken apart on the way.
            let body: Body = serde_json::from_slice(body)
                .map_err(|error| Failure::invalid(format!("the body cannot be read: {error}")))?;
            let old = self.writable_configuration(id, if_match).await?;
            let now = time::now();
            let now = Now { ticks: time::ticks(now), text: format!("{now:.3}") };
            let new = rules::replace(id, body, old.as_ref().map(|(_, old)| old), &now)?;
            let revision = old.map_or(0, |(revision, _)| revision);
            let text = serde_json::to_string(&new).map_err(|error| {
                Failure::new(ErrorCode::ServerError, format!("the configuration cannot be stored: {error}"))
            })?;
            let document = Document { kind: Kind::Configuration, id: id.into(), revision, body: text.into() };
            if self.write_configurations(Change::Document(Arc::new(document)), None).await? == Outcome::Written {
                return self.configuration(id).await;
            }
        }
        Err(Failure::new(ErrorCode::ServerBusy, "too many others write this configuration; try again"))
    }

    /// What a PUT replaces, with its revision.
    async fn writable_configuration(
        &self,
        id: &str,
        if_match: Option<&IfMatch>,
    ) -> Result<Option<(u64, Configuration)>, Failure> {
        let old = self.kept_configuration(id).await?;
        match (&old, if_match) {
            (Some(_), None) => {
                let message = format!("A configuration with ID '{id}' already exists; update it with If-Match");
                return Err(Failure::new(ErrorCode::ConfigurationAlreadyExists, message));
            }
            (None, Some(_)) => return Err(unknown(id)),
            (Some((_, old)), Some(if_match)) if !if_match.allows(&old.etag) => return Err(Failure::stale()),
            (Some(_), Some(_)) => {}
            (None, None) => {
                if self.store.documents(Kind::Configuration, "", None, MOST).await?.len() >= MOST {
                    let message = format!("the hub has {MOST} configurations and takes no more; delete one first");
                    return Err(Failure::new(ErrorCode::ConfigurationCountLimitExceeded, message));
                }
            }
        }
        Ok(old)
    }

    /// Deletes a configuration; the values that it wrote stay.
    pub(crate) async fn delete_configuration(&self, id: &str, if_match: Option<&IfMatch>) -> Result<(), Failure> {
        rules::check_id(id)?;
        for _ in 0..ATTEMPTS {
            let (revision, old) = self.kept_configuration(id).await?.ok_or_else(|| unknown(id))?;
            if if_match.is_some_and(|if_match| !if_match.allows(&old.etag)) {
                return Err(Failure::stale());
            }
            let delete = Change::DeleteDocument { kind: Kind::Configuration, id: id.into(), revision };
            let results = Change::DeleteDocuments { kind: Kind::ConfigurationResults, prefix: results_id(id) };
            if self.write_configurations(delete, Some(results)).await? == Outcome::Written {
                return Ok(());
            }
        }
        Err(Failure::new(ErrorCode::ServerBusy, "too many others write this configuration; try again"))
    }

    /// Writes a content once to a gateway and its modules.
    pub(crate) async fn apply_configuration(&self, id: &DeviceId, content: Map) -> Result<(), Failure> {
        let content = Content::parse(&content::only_kind(content)?)?;
        if !set::is_gateway(&self.record(&device_link(id)).await?) {
            return Err(Failure::invalid(format!("{id} is no IoT Edge device; only those take a content")));
        }
        let modules = match content {
            Content::Device(claims) => return self.write_claims(&device_link(id), &claims, false).await,
            Content::Module(_) => {
                return Err(Failure::invalid("moduleContent says not to which module; send modulesContent"));
            }
            Content::Edge(modules) => modules,
        };
        self.need_modules(id, modules.keys().cloned().collect()).await?;
        for (module, claims) in modules {
            let whole = claims.iter().any(|claim| claim.path.is_empty());
            let link = LinkId { device: id.clone(), module: Some(module) };
            self.write_claims(&link, &claims, whole).await?;
        }
        Ok(())
    }

    async fn write_claims(&self, link: &LinkId, claims: &Claims, whole: bool) -> Result<(), Failure> {
        let mode = if whole { Mode::Replace } else { Mode::Merge };
        let write = TwinWrite::desired(content::tree(claims), mode)?;
        let change = |record: &mut _| Ok(Decision::Write(write.apply(record, &time::text(time::now()))?));
        self.change_twin(link, change).await.map(drop)
    }

    /// A configuration with the revision of its document.
    async fn kept_configuration(&self, id: &str) -> Result<Option<(u64, Configuration)>, Failure> {
        let document = self.store.document(Kind::Configuration, id).await?;
        document.map(|document| Ok((document.revision, Configuration::read(&document)?))).transpose()
    }

    /// Changes configurations and lets every process know.
    async fn write_configurations(&self, change: Change, also: Option<Change>) -> Result<Outcome, Failure> {
        let batch = [change, revised()?].into_iter().chain(also).collect();
        let outcome = self.store.write(batch).await?;
        self.configurations.wake();
        Ok(outcome)
    }

    /// Has all twins evaluated, in whichever process.
    pub(super) async fn touch_configurations(&self) -> Result<(), Failure> {
        let _written: Outcome = self.store.write(vec![revised()?]).await?;
        Ok(())
    }
}

fn revised() -> Result<Change, Failure> {
    let value = format!("{}-{}", time::ticks(time::now()), random::number()?);
    Ok(Change::Setting { name: REVISION.to_owned(), value })
}

fn unknown(id: &str) -> Failure {
    Failure::new(ErrorCode::ConfigurationNotFound, format!("Configuration {id} not found"))
}
