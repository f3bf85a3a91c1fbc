//! `twinops simulate`: many devices in one process, with real connections to a hub.

mod devices;
mod told;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    agent::{
        MqttAddress,
        simulation::{self, Profile, Simulation, Tally},
    },
    cli::{
        Exit, Failure,
        args::{HubAddress, SimulateArgs},
        prepare::Desk,
    },
    client::HubClient,
    hub::open_files,
    iothub::HostName,
    task::Stop,
};
use devices::Crowd;
pub(crate) use told::SimulationEvent;
use told::Told;

/// Where hubs take MQTT.
const MQTT_PORT: u16 = 8883;
/// Files that a process opens beside its devices' sockets.
const OTHER_FILES: u64 = 64;

/// Simulates until asked to stop, or until the time is over.
pub(crate) async fn run(args: &SimulateArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let profile = args.profile.as_deref().map(profile).transpose()?.unwrap_or_default();
    let needs = u64::from(args.devices) + OTHER_FILES;
    if let Some(files) = open_files().filter(|files| *files < needs) {
        let message = format!("{} devices need {needs} open files; this process may have {files}", args.devices);
        return Err(Failure::new(Exit::Failed, message)
            .help("raise the limit (`ulimit -Hn`), or share the devices between processes with --first"));
    }
    let progress = desk.printer.progress("devices known", Some(u64::from(args.devices)));
    let (client, mut crowd) = if let Some(crowd) = devices::without_hub(args, desk.ca)? {
        (None, crowd)
    } else {
        let (client, name) = devices::hub(args, desk.ca)?;
        let crowd = devices::of_hub(args, (&client, name), &profile.tags, (&progress, stop)).await?;
        (Some(client), crowd)
    };
    if stop.is_requested() {
        clear(args, client.as_ref(), &crowd).await?;
        return Ok(Exit::Interrupted);
    }
    let mut told =
        Told { printer: desk.printer, format: desk.format, progress, start: Instant::now(), troubles: BTreeMap::new() };
    let played = play(args, desk, profile, &mut crowd, &mut told, stop).await;
    let deleted = clear(args, client.as_ref(), &crowd).await;
    let (counts, troubles) = played?;
    told.end(counts, troubles.clone(), deleted?)?;
    match (counts.connects, troubles.into_iter().max_by_key(|(_, count)| *count)) {
        (0, Some((why, _))) => Err(Failure::new(Exit::Failed, format!("no device was let in: {why}"))),
        _ => Ok(Exit::Done),
    }
}

/// What it came to.
type Came = (simulation::Counts, BTreeMap<String, u64>);

async fn play(
    args: &SimulateArgs,
    desk: &Desk<'_>,
    profile: Profile,
    crowd: &mut Crowd,
    told: &mut Told<'_>,
    stop: &Stop,
) -> Result<Came, Failure> {
    told.event(&SimulationEvent::Started {
        version: 1,
        hub: crowd.hub.to_string(),
        devices: crowd.devices.len() as u64,
        created: crowd.created.len() as u64,
    })?;
    let HubAddress { mqtt, tls } = address(args, &crowd.hub);
    let simulation = Simulation { hub: crowd.hub.clone(), mqtt, tls, ca: desk.ca.map(Path::to_owned), profile };
    let (tally, ends) = (Arc::new(Tally::default()), stop.child());
    let mut devices =
        Box::pin(simulation::run(simulation, std::mem::take(&mut crowd.devices), Arc::clone(&tally), &ends));
    let mut ticks = interval(args.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let over = async {
        match args.lasting {
            Some(lasting) => sleep(lasting).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    let counts = loop {
        tokio::select! {
            ended = &mut devices => {
                ended?;
                break tally.counts();
            }
            _ = ticks.tick() => told.now(&tally)?,
            () = &mut over => break goodbye(&tally, &ends, &mut devices).await?,
            () = stop.requested() => break goodbye(&tally, &ends, &mut devices).await?,
        }
    };
    Ok((counts, tally.troubles()))
}

/// How things stand, before every device leaves.
async fn goodbye(
    tally: &Tally,
    ends: &Stop,
    devices: impl Future<Output = Result<(), simulation::SimulationError>>,
) -> Result<simulation::Counts, Failure> {
    let counts = tally.counts();
    ends.request();
    devices.await?;
    Ok(counts)
}

/// Removes what was made, if asked to; how many.
async fn clear(args: &SimulateArgs, client: Option<&HubClient>, crowd: &Crowd) -> Result<u64, Failure> {
    let Some(client) = client.filter(|_| args.delete) else { return Ok(0) };
    devices::delete(client, crowd.created.clone()).await?;
    Ok(crowd.created.len() as u64)
}

fn address(args: &SimulateArgs, hub: &HostName) -> HubAddress {
    let usual = || HubAddress { mqtt: MqttAddress { host: hub.name().to_owned(), port: MQTT_PORT }, tls: true };
    args.mqtt.clone().unwrap_or_else(usual)
}

fn profile(path: &Path) -> Result<Profile, Failure> {
    let text = devices::read(path)?;
    serde_yaml::from_str(&text).map_err(|error| {
        Failure::new(Exit::Failed, format!("{}: {error}", path.display()))
            .help("`twinops schema simulation-profile` says what a profile can hold")
    })
}
