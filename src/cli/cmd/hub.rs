//! `twinops hub`: serves the protocols of an IoT hub, and tells what an operator needs to reach it.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    cli::{
        Exit, Failure, access,
        args::{DeviceStringArgs, HubArgs, HubCommand, SasArgs},
        prepare::Desk,
    },
    client::HubClient,
    fleet::{IdentityKind, IdentitySpec},
    hub::{CertificateFiles, Config, Hub, offline},
    iothub::{
        Audience, DeviceConnection, DeviceCredential, HostName, Key, Scope, ServiceConnection, ServiceCredential, sign,
    },
    task::Stop,
    twin::DeviceId,
};

/// The policy that may do everything.
pub(super) const OWNER: &str = "iothubowner";

/// Serves until asked to stop, or prints what it is asked for.
pub(crate) async fn run(args: &HubArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let text = match &args.command {
        None => return serve(args, desk, stop).await,
        Some(HubCommand::ConnectionString) => service(args)?.to_connection_string().reveal().to_owned(),
        Some(HubCommand::DeviceConnectionString(device)) => device_string(args, device).await?,
        Some(HubCommand::SasToken(sas)) => token(args, sas).await?,
    };
    desk.printer.result(|out| writeln!(out, "{text}"))?;
    Ok(Exit::Done)
}

async fn serve(args: &HubArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let certificate = args.tls_cert.clone().zip(args.tls_key.clone());
    let config = Config {
        http: args.http,
        mqtt: args.mqtt,
        names: args.names.clone(),
        most_jobs: args.max_jobs,
        certificate: certificate.map(|(chain, key)| CertificateFiles { chain, key }),
        store: args.store.clone(),
        ..Config::local(&args.state)
    };
    let hub = Hub::open(config).await?;
    let (addresses, hostname) = (hub.addresses(), hub.hostname().clone());
    let ca = hub.ca_pem_path().map(Path::to_owned);
    desk.printer.result(|out| {
        writeln!(out, "rest   https://{hostname} on {}", addresses.http)?;
        writeln!(out, "mqtt   {}", addresses.mqtt)?;
        if let Some(ca) = &ca {
            writeln!(out, "ca     {}", ca.display())?;
        }
        writeln!(out, "ready")
    })?;
    hub.run(stop.clone()).await;
    Ok(Exit::Done)
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
    access::client(&here, offline::ca_pem_path(state).as_deref())
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
