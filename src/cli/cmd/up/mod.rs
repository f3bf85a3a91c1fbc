//! `twinops up`: a hub, a simulated device for each one declared, and a reconciliation at every save; on this machine,
//! with nothing else installed.

mod devices;
mod place;
mod turn;

use devices::Devices;
use place::Place;
use turn::{End, Turn};

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use crate::{
    cli::{
        Exit, Failure, Printer,
        args::{PagesArgs, UpArgs},
        cmd::{
            hub::OWNER,
            portal::{Folder, Start},
        },
        login,
        prepare::Desk,
        watch::Watch,
        workspace::Workspace,
    },
    iothub::ServiceConnection,
    task::{Group, Stop},
};

/// Runs until asked to stop; with `--once`, until the devices have caught up.
pub(crate) async fn run(args: &UpArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let place = Place::prepare(args)?;
    let workspace = Workspace::open_or_keep_in(&args.dir, &place.state)?;
    let hub = place.hub(args).await?;
    let service = ServiceConnection::parse(hub.service_connection_string(OWNER)?.reveal())?;
    let ca = hub.ca_pem_path().map(Path::to_owned);
    let client = login::client(&service, ca.as_deref())?;
    let mut devices = Devices::new(args, &place, &hub);
    let mut watch = Watch::folder(&args.dir)?;
    place.greet(desk.printer, &hub);

    let mut group = Group::new(stop.child());
    let inner = group.stop().clone();
    let served = inner.clone();
    group.spawn("hub", async move {
        hub.run(served.clone()).await;
        // Without a hub, nothing here has a point.
        served.request();
    });

    if !args.once {
        let folder = Folder::worktree(&args.dir, &place.state);
        let served = portal(args, &service, ca.as_deref(), folder, &mut group, desk.printer).await?;
        desk.printer.say(format_args!("portal {served}"));
    }

    let turn = Turn { desk, workspace: &workspace, client: &client, args, stop: &inner };
    let mut exit = Exit::Done;
    while !inner.is_requested() {
        match turn.take(&mut devices, &mut group, &mut watch).await {
            Ok(End::Settled) => exit = Exit::Done,
            Ok(End::Findings) => exit = Exit::Findings,
            Ok(End::Unsettled) => exit = Exit::Partial,
            // Saved again: what was waited for is not wanted any more.
            Ok(End::Overtaken) => continue,
            Err(failure) if args.once => return Err(failure),
            Err(failure) => exit = desk.printer.failure(&failure),
        }
        if args.once {
            break;
        }
        desk.printer.say(format_args!("watching {}; Ctrl-C ends", args.dir.display()));
        tokio::select! {
            // Both only wait: whichever comes second is asked for again.
            () = watch.changed() => {}
            () = inner.requested() => {}
        }
    }
    let interrupted = !args.once && !stop.is_requested();
    group.finish().await;
    desk.printer.say("ended; the state is kept");
    if args.once && stop.is_requested() {
        return Ok(Exit::Interrupted);
    }
    Ok(match (args.once, interrupted) {
        (true, _) => exit,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Done,
    })
}

/// How often the portal reads all twins: there are few, and somebody watches.
const REFRESH: Duration = Duration::from_secs(2);
/// The port of the portal.
const PORT: u16 = 8080;

/// Serves the portal, on the usual port or, where that is taken and nobody asked for it, on a free one; where.
async fn portal(
    args: &UpArgs,
    service: &ServiceConnection,
    ca: Option<&Path>,
    folder: Folder,
    group: &mut Group,
    printer: &Printer,
) -> Result<String, Failure> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let free = args.portal.is_none() && std::net::TcpListener::bind(usual).is_err();
    let listen = args.portal.unwrap_or(if free { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) } else { usual });
    let pages = PagesArgs { refresh: REFRESH, ..PagesArgs::default() };
    let (hub, name) = (login::client(service, ca)?, service.host.to_string());
    Start { hub, name, folder, listen, certificate: None, pages: &pages }.serve(group, printer).await
}
