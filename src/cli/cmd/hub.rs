//! `twinops hub`: serves the protocols of an IoT hub, and tells what an operator needs to reach it.

mod enroll;

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    authority, backup,
    portal::{Folder, Start},
};
use crate::{
    cli::{
        Exit, Failure, Printer,
        args::{DeviceStringArgs, HubArgs, HubCommand, SasArgs},
        login,
        prepare::Desk,
    },
    client::HubClient,
    fleet::{IdentityKind, IdentitySpec},
    hub::{CertificateFiles, Config, EventFile, EventKind, EventTarget, EventWriter, Events, Hub, offline},
    iothub::{
        Audience, DeviceConnection, DeviceCredential, HostName, Key, Scope, ServiceConnection, ServiceCredential, sign,
    },
    task::{Group, Stop},
    twin::DeviceId,
};

/// The file that stands for stdout.
const STDOUT: &str = "-";
/// The policy that may do everything.
pub(super) const OWNER: &str = "iothubowner";

/// Serves until asked to stop, or prints what it is asked for.
pub(crate) async fn run(args: &HubArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let text = match &args.command {
        None => return serve(args, desk, stop).await,
        Some(HubCommand::ConnectionString) => service(args)?.to_connection_string().reveal().to_owned(),
        Some(HubCommand::DeviceConnectionString(device)) => device_string(args, device).await?,
        Some(HubCommand::SasToken(sas)) => token(args, sas).await?,
        Some(HubCommand::IdScope) => offline::id_scope_from(&args.state, args.store.as_ref())?,
        Some(HubCommand::Enroll(who)) => enroll::enroll(&owner(args)?, who).await?,
        Some(HubCommand::DeriveKey(who)) => enroll::derive(&owner(args)?, who).await?,
        Some(HubCommand::Backup(backup)) => backup::make(args, backup).await?,
        Some(HubCommand::Restore(restore)) => backup::restore(args, restore).await?,
        Some(HubCommand::Authority(command)) => {
            return authority::run(command, &owner(args)?, desk).await;
        }
    };
    desk.printer.result(|out| writeln!(out, "{text}"))?;
    Ok(Exit::Done)
}

async fn serve(args: &HubArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let certificate = args.tls_cert.clone().zip(args.tls_key.clone());
    let config = Config {
        http: args.http,
        mqtt: args.mqtt,
        mqtt_plain: args.mqtt_plain,
        drain: args.drain,
        names: args.names.clone(),
        assigned_hub: args.assigned_hub.clone(),
        most_jobs: args.max_jobs,
        certificate: certificate.map(|(chain, key)| CertificateFiles { chain, key }),
        store: args.store.clone(),
        events: args.events.as_deref().map(|file| events(args, file, desk.printer)),
        metrics: args.metrics,
        oidc: args.entry.config(),
        limits: args.limits.config(),
        ..Config::local(&args.state)
    };
    let hub = Hub::open(config).await?;
    let (addresses, hostname) = (hub.addresses(), hub.hostname().clone());
    let mut lines =
        vec![format!("rest   https://{hostname} on {}", addresses.http), format!("mqtt   {}", addresses.mqtt)];
    lines.extend(hub.plain_address().map(|address| format!("plain  {address}")));
    lines.extend(hub.metrics_address().map(|address| format!("metrics http://{address}/metrics")));
    lines.extend(hub.ca_pem_path().map(|ca| format!("ca     {}", ca.display())));
    let mut group = Group::new(stop.child());
    if let Some(listen) = args.portal {
        lines.push(format!("portal {}", portal(args, listen, &hub, &mut group, desk).await?));
    }
    lines.push("ready".to_owned());
    let text = lines.join("\n");
    if args.events.as_deref() == Some(Path::new(STDOUT)) {
        // Stdout is for the events alone.
        desk.printer.say(text);
    } else {
        desk.printer.result(|out| writeln!(out, "{text}"))?;
    }
    hub.run(stop.clone()).await;
    group.finish().await;
    Ok(Exit::Done)
}

/// The portal of this hub, which asks it as everybody does: over its REST API.
async fn portal(
    args: &HubArgs,
    listen: SocketAddr,
    hub: &Hub,
    group: &mut Group,
    desk: &Desk<'_>,
) -> Result<String, Failure> {
    let folder = Folder::new(&args.portal_fleet, "HEAD");
    let certificate = args.tls_cert.clone().zip(args.tls_key.clone());
    let certificate = certificate.map(|(chain, key)| CertificateFiles { chain, key });
    let (service, name) = (service(args)?, hub.hostname().to_string());
    let client = match hub.ca_pem_path() {
        Some(ca) => {
            let here = HostName::parse(&format!("localhost:{}", hub.addresses().http.port()))?;
            login::client(&ServiceConnection { gateway: Some(here), ..service }, Some(ca))?
        }
        // A certificate that was given is good for the hub's name, and hardly for this machine's.
        None => login::client(&service, desk.ca)?,
    };
    Start { hub: client, name, folder, listen, certificate, pages: &args.pages }.serve(group, desk.printer).await
}

fn events(args: &HubArgs, file: &Path, printer: &Printer) -> Events {
    let target = if file == Path::new(STDOUT) {
        EventTarget::Writer(EventWriter::new(printer.lines()))
    } else {
        let most_bytes = u64::from(args.events_size) << 20;
        EventTarget::File(EventFile { path: file.to_owned(), most_bytes, keep: args.events_keep })
    };
    let kinds = if args.events_of.is_empty() { EventKind::ALL.to_vec() } else { args.events_of.clone() };
    Events { target, kinds }
}

/// The owner's connection string.
fn service(hub: &HubArgs) -> Result<ServiceConnection, Failure> {
    let text = offline::service_connection_string_from(&hub.state, hub.store.as_ref(), OWNER)?;
    Ok(ServiceConnection::parse(text.reveal())?)
}

/// A client for the hub of this folder, which has to be running: reached on this machine, whatever it is called.
fn client(state: &Path, service: &ServiceConnection) -> Result<HubClient, Failure> {
    let port = offline::addresses(state)?.http.port();
    let here = ServiceConnection { gateway: Some(HostName::parse(&format!("localhost:{port}"))?), ..service.clone() };
    login::client(&here, offline::ca_pem_path(state).as_deref())
}

/// The same, as the owner.
fn owner(hub: &HubArgs) -> Result<HubClient, Failure> {
    client(&hub.state, &service(hub)?)
}

async fn device_string(hub: &HubArgs, args: &DeviceStringArgs) -> Result<String, Failure> {
    let service = service(hub)?;
    let key = device_key(&client(&hub.state, &service)?, &args.device, args.create).await?;
    let connection = DeviceConnection {
        host: service.host,
        gateway: None,
        device_id: args.device.to_string(),
        module_id: None,
        credential: DeviceCredential::Key(key),
    };
    Ok(connection.to_connection_string().reveal().to_owned())
}

/// The device's primary key; the device is registered first if it may be.
pub(super) async fn device_key(hub: &HubClient, device: &DeviceId, create: bool) -> Result<Key, Failure> {
    let identity = match hub.identity(device).await? {
        Some(identity) => identity,
        None if create => {
            let sas = IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None };
            hub.create(device, &sas).await?
        }
        None => {
            return Err(Failure::new(Exit::Failed, format!("the hub does not know the device `{device}`"))
                .help("`--create` registers it; so does `twinops reconcile`, if its document has an `identity`"));
        }
    };
    let keys = identity.authentication.map(|given| given.symmetric_key.keys()).transpose()?.flatten();
    keys.map(|(primary, _)| primary)
        .ok_or_else(|| Failure::new(Exit::Failed, format!("`{device}` has no key: it proves itself by certificate")))
}

async fn token(hub: &HubArgs, args: &SasArgs) -> Result<String, Failure> {
    let service = service(hub)?;
    let expiry = (SystemTime::now() + args.ttl).duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    if let Some(device) = &args.device {
        let key = device_key(&client(&hub.state, &service)?, device, false).await?;
        let audience = Audience::new(&service.host, Scope::Device(device.to_string()));
        return Ok(sign(&audience.to_string(), &key, expiry, None));
    }
    match &service.credential {
        ServiceCredential::Key { policy, key } => {
            Ok(sign(&Audience::new(&service.host, Scope::Hub).to_string(), key, expiry, Some(policy)))
        }
        ServiceCredential::Signature(token) => Ok(token.reveal().to_owned()),
    }
}
