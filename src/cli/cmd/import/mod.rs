//! `twinops import`: live twins become a fleet repository whose plan is empty.

mod configurations;
mod told;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures_util::{StreamExt as _, pin_mut};

use super::init::fleet_name;
use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::{ImportArgs, SelectArgs},
        login,
        new_files::{self, NewFile, NewFilesError},
        prepare::Desk,
    },
    client::Snapshot,
    component::Registry,
    import::{Importer, Options},
    query::Condition,
    reconcile::ports::TwinRead as _,
};

/// Without it a folder is no fleet: it is written last.
const FLEET: &str = "fleet.yaml";

/// Reads the twins, makes a fleet of them, and writes it: all of it, or nothing.
pub(crate) async fn run(args: &ImportArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    if args.dir.join(FLEET).exists() {
        return Err(taken(NewFilesError::Taken(vec![args.dir.join(FLEET)])));
    }
    if args.configurations {
        return configurations::run(args, desk).await;
    }
    let select = SelectArgs { condition: args.condition.clone(), devices: Vec::new() };
    let statement = access::statement(&select, desk.printer)?.unwrap_or_default();
    args.condition.as_deref().map_or(Ok(()), decidable)?;
    let (twins, hostname) = open(args, desk.ca)?;
    let mut importer = Importer::new(options(args, hostname)?, Arc::new(Registry::builtin()));
    let progress = desk.printer.progress("reading twins", None);
    let pages = twins.twins(&statement);
    pin_mut!(pages);
    while let Some(page) = pages.next().await {
        let page = page?;
        let mut result = Ok(());
        let mut count = 0;
        page.for_each(|row| {
            if result.is_ok() {
                result = row.and_then(|row| if row.module_id.is_none() { importer.take(&row) } else { Ok(()) });
                count += 1;
            }
        })?;
        result?;
        progress.advance(count);
    }
    progress.finish();
    let fleet = tokio::task::block_in_place(|| importer.finish()).map_err(|error| {
        Failure::from(error).help(
            "nothing was written; keep such a path out with `--skip PATH`, or write `${secret.NAME}` in its place with \
             `--placeholders`",
        )
    })?;
    if fleet.devices == 0 {
        return Err(Failure::new(Exit::Failed, "there is no device to import"));
    }
    write_files(args, &fleet.files)?;
    told::tell(args, &fleet, desk.printer)?;
    Ok(Exit::Done)
}

fn open(args: &ImportArgs, ca: Option<&Path>) -> Result<(Twins, Option<String>), Failure> {
    if let Some(path) = &args.snapshot {
        return Ok((Twins::Snapshot(Snapshot::new(path.as_path())), None));
    }
    let (hub, host) = login::named_hub(Access { hub: &args.hub, ca })?;
    Ok((Twins::Hub(Box::new(hub)), Some(host)))
}

fn options(args: &ImportArgs, hostname: Option<String>) -> Result<Options, Failure> {
    Ok(Options {
        name: fleet_name(args.name.as_deref(), &args.dir)?,
        hostname,
        condition: args.condition.clone(),
        only: args.only.clone(),
        skip: args.skip.clone(),
        placeholders: args.placeholders,
        tags: args.tags,
        convert: args.is_v1_client(),
        today: jiff::Zoned::now().date(),
    })
}

/// The condition becomes a part of every profile's, and those look at what a device is.
fn decidable(condition: &str) -> Result<(), Failure> {
    // It has been read before.
    let Ok(condition) = Condition::parse(condition) else { return Ok(()) };
    let known = |path: &crate::query::FieldPath| {
        let mut segments = path.segments();
        match (segments.next(), segments.next()) {
            (Some("deviceId" | "modelId"), None) | (Some("tags"), Some(_)) => true,
            (Some("properties"), section) => section == Some("reported"),
            _ => false,
        }
    };
    match condition.paths().find(|path| !known(path)) {
        None => Ok(()),
        Some(path) => {
            Err(Failure::usage(format!("profiles cannot select by `{path}`, and `--where` becomes a part of them"))
                .help("select by `tags`, `properties.reported`, `deviceId` or `modelId`"))
        }
    }
}

fn write_files(args: &ImportArgs, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    let mut files: Vec<NewFile> = files.iter().map(|(path, text)| NewFile::new(path, text)).collect();
    files.sort_by_key(|file| file.path == Path::new(FLEET));
    new_files::write(&args.dir, &files).map_err(taken)
}

fn taken(error: NewFilesError) -> Failure {
    let failure = Failure::from(error);
    failure.help("nothing was written; import into another folder")
}
