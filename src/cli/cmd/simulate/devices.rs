//! Who is simulated: names and keys, from a file, from a group's key, or from the hub; made there if asked for.

use std::{fs, io, path::Path, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::sleep;

use crate::{
    cli::{Exit, Failure, Progress, access::Access, args::SimulateArgs, login},
    client::HubClient,
    iothub::{
        Authentication, BulkEntry, BulkResult, DeviceConnection, DeviceCredential, ErrorCode, HostName, ImportMode,
        Key, KeyError, MOST_BULK_ENTRIES, SymmetricKey,
    },
    reconcile::ports::HubError,
    task::{Backoff, Stop},
    twin::{DeviceId, Map},
};

/// Requests to the hub at the same time.
const AT_ONCE: usize = 8;
/// How often a hub that is busy is asked again.
const TRIES: u32 = 12;
/// Waits before that, unless the hub says how long.
const RETRY: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(20));

/// A device and its key.
pub(super) type Known = (DeviceId, Key);

/// Who is simulated.
pub(super) struct Crowd {
    pub(super) hub: HostName,
    pub(super) devices: Vec<Known>,
    /// Who was made for that.
    pub(super) created: Vec<DeviceId>,
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`", path.display())]
struct ReadError {
    path: std::path::PathBuf,
    #[source]
    cause: io::Error,
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|cause| ReadError { path: path.to_owned(), cause }.into())
}

/// Those of a file or of a group, for whom nobody has to be asked; `None` when the hub has to be.
pub(super) fn without_hub(args: &SimulateArgs, ca: Option<&Path>) -> Result<Option<Crowd>, Failure> {
    if let Some(path) = &args.keys {
        return listed(&read(path)?, args).map(Some);
    }
    let Some(path) = &args.group_key_file else { return Ok(None) };
    let group = Key::parse(read(path)?.trim())
        .map_err(|error| Failure::from(error).help(format!("`{}` should hold a key in base64", path.display())))?;
    let devices = names(args)?.into_iter().map(|id| (id.clone(), group.derive(id.as_str()))).collect();
    let hub = args.hub.host.clone().map_or_else(|| hub(args, ca).map(|(_, name)| name), Ok)?;
    Ok(Some(Crowd { hub, devices, created: Vec::new() }))
}

/// The devices of a file of connection strings.
fn listed(text: &str, args: &SimulateArgs) -> Result<Crowd, Failure> {
    let mut hub = None;
    let mut devices = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines.skip(args.first as usize).take(args.devices as usize) {
        let place = |what: &str| Failure::new(Exit::Failed, format!("line {} of the keys: {what}", at + 1));
        let connection = DeviceConnection::parse(line.trim()).map_err(|error| place(&error.to_string()))?;
        let DeviceCredential::Key(key) = connection.credential else {
            return Err(place("a simulated device needs a SharedAccessKey"));
        };
        if hub.get_or_insert_with(|| connection.host.clone()) != &connection.host {
            return Err(place("its hub is not that of the lines before"));
        }
        devices.push((DeviceId::new(&connection.device_id).map_err(|error| place(&error.to_string()))?, key));
    }
    let hub = hub.ok_or_else(|| Failure::new(Exit::Failed, "the file of keys has no such lines"))?;
    Ok(Crowd { hub, devices, created: Vec::new() })
}

fn names(args: &SimulateArgs) -> Result<Vec<DeviceId>, Failure> {
    let last = args.first.checked_add(args.devices).ok_or_else(|| Failure::usage("--first is too large".to_owned()))?;
    (args.first..last).map(|number| DeviceId::new(&args.id.name(number)).map_err(Failure::from)).collect()
}

/// A client for the hub, and the name by which its devices know it.
pub(super) fn hub(args: &SimulateArgs, ca: Option<&Path>) -> Result<(HubClient, HostName), Failure> {
    let (client, name) = login::named_hub(Access { hub: &args.hub, ca })?;
    Ok((client, HostName::parse(&name)?))
}

/// Those that the hub knows, and with `--create` the others as well; fewer when the end is asked for meanwhile.
pub(super) async fn of_hub(
    args: &SimulateArgs,
    (client, hub): (&HubClient, HostName),
    tags: &Map,
    (progress, stop): (&Progress, &Stop),
) -> Result<Crowd, Failure> {
    let names = names(args)?;
    let (made, there) =
        if args.create { create(client, names, tags, (progress, stop)).await? } else { (Vec::new(), names) };
    let created = made.iter().map(|(id, _)| id.clone()).collect();
    let known = stream::iter(there.into_iter().take_while(|_| !stop.is_requested()))
        .map(|id| key(client, id, progress))
        .buffered(AT_ONCE);
    let known: Vec<Known> = match known.try_collect().await {
        Ok(known) => known,
        Err(failure) => {
            if args.delete {
                delete(client, created).await?;
            }
            return Err(failure);
        }
    };
    Ok(Crowd { hub, devices: made.into_iter().chain(known).collect(), created })
}

async fn key(client: &HubClient, id: DeviceId, progress: &Progress) -> Result<Known, Failure> {
    let identity = patiently(|| client.identity(&id)).await?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("the hub does not know `{id}`")).help("--create makes such devices")
    })?;
    let keys = identity
        .authentication
        .unwrap_or_default()
        .symmetric_key
        .keys()
        .map_err(|error: KeyError| Failure::from(error).help(format!("the hub's key of `{id}` cannot be read")))?;
    progress.advance(1);
    let (key, _) = keys.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("the hub tells no key of `{id}`"))
            .help("the policy needs `RegistryRead`, and the device a symmetric key")
    })?;
    Ok((id, key))
}

/// Makes devices; those that were there already are handed back.
async fn create(
    client: &HubClient,
    names: Vec<DeviceId>,
    tags: &Map,
    (progress, stop): (&Progress, &Stop),
) -> Result<(Vec<Known>, Vec<DeviceId>), Failure> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| Failure::new(Exit::Failed, "the system has no randomness"))?;
    let run = Key::from_bytes(&seed)?;
    let chunks: Vec<Vec<DeviceId>> = names.chunks(MOST_BULK_ENTRIES).map(<[_]>::to_vec).collect();
    let chunks = chunks.into_iter().take_while(|_| !stop.is_requested());
    let mut done = stream::iter(chunks).map(|ids| create_some(client, ids, &run, tags)).buffer_unordered(AT_ONCE);
    let (mut made, mut there) = (Vec::new(), Vec::new());
    while let Some(chunk) = done.next().await {
        match chunk {
            Ok((new, old)) => {
                progress.advance(new.len() as u64);
                made.extend(new);
                there.extend(old);
            }
            Err(failure) => {
                drop(done);
                // What was made goes again: the caller never hears of it.
                delete(client, made.into_iter().map(|(id, _)| id).collect()).await?;
                return Err(failure);
            }
        }
    }
    Ok((made, there))
}

async fn create_some(
    client: &HubClient,
    ids: Vec<DeviceId>,
    run: &Key,
    tags: &Map,
) -> Result<(Vec<Known>, Vec<DeviceId>), Failure> {
    let keys: Vec<Key> = ids.iter().map(|id| run.derive(id.as_str())).collect();
    let entries: Vec<BulkEntry> = ids
        .iter()
        .zip(&keys)
        .map(|(id, key)| BulkEntry {
            authentication: Some(Authentication {
                symmetric_key: SymmetricKey::new(key, key),
                ..Authentication::default()
            }),
            tags: (!tags.is_empty()).then(|| serde_json::Value::Object(tags.clone())),
            ..entry(id, ImportMode::Create)
        })
        .collect();
    let result = patiently(|| client.bulk(&entries)).await?;
    let (mut made, mut there) = (Vec::new(), Vec::new());
    for (id, key) in ids.into_iter().zip(keys) {
        match result.errors.iter().find(|error| error.device_id == id.as_str()) {
            None => made.push((id, key)),
            Some(error) if error.error_code == ErrorCode::DeviceAlreadyExists.name() => there.push(id),
            Some(error) => {
                return Err(Failure::new(Exit::Failed, format!("cannot make `{id}`: {}", error.error_status)));
            }
        }
    }
    Ok((made, there))
}

fn entry(id: &DeviceId, import_mode: ImportMode) -> BulkEntry {
    BulkEntry { id: id.as_str().to_owned(), import_mode, ..BulkEntry::default() }
}

/// Removes devices; one that somebody else removed meanwhile is no error.
pub(super) async fn delete(client: &HubClient, ids: Vec<DeviceId>) -> Result<(), Failure> {
    let chunks: Vec<Vec<BulkEntry>> =
        ids.chunks(MOST_BULK_ENTRIES).map(|ids| ids.iter().map(|id| entry(id, ImportMode::Delete)).collect()).collect();
    let gone = stream::iter(chunks).map(|entries| async move { patiently(|| client.bulk(&entries)).await });
    let results: Vec<BulkResult> = gone.buffer_unordered(AT_ONCE).try_collect().await?;
    let left = results.iter().flat_map(|result| &result.errors);
    match left.filter(|error| error.error_code != ErrorCode::DeviceNotFound.name()).count() {
        0 => Ok(()),
        left => Err(Failure::new(Exit::Failed, format!("{left} of the devices that were made could not be removed"))),
    }
}

/// Asks again while the hub is busy.
async fn patiently<T, F: Future<Output = Result<T, HubError>>>(ask: impl Fn() -> F) -> Result<T, HubError> {
    let mut backoff = RETRY;
    loop {
        let error = match ask().await {
            Err(error) if error.is_transient() && backoff.attempts() < TRIES => error,
            done => return done,
        };
        let wait = backoff.next_wait();
        match error {
            HubError::Throttled { retry_after: Some(asked) } => sleep(asked + wait).await,
            _ => sleep(wait).await,
        }
    }
}
