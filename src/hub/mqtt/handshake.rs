//! From an open stream to a device that may talk (protocol reference 11.1).

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tracing::info;

use super::{
    super::ports::{Admission, ConnectRequest, DeviceService, Refusal, Subscriptions},
    codec::{Connect, Packet, Step, decode, encode, encode::ConnectCode},
    end::End,
    mailbox::Mailbox,
    name::Name,
    place::Place,
    provisioning,
    server::Server,
    topic,
    wire::Wire,
};
use crate::iothub::Publish;

/// Most bytes that somebody unknown may make us keep: a will has 64 KB, the rest is short.
const LONGEST: usize = 80 * 1024;

/// Somebody who was let in.
pub(super) struct Admitted<S: DeviceService> {
    pub(super) place: Place<S>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) clean_session: bool,
    pub(super) session: u64,
    /// Seconds, as the device declared it.
    pub(super) keep_alive: u16,
    pub(super) expires: Option<SystemTime>,
    pub(super) will: Option<Box<Testament>>,
    session_present: bool,
}

/// A will, to be delivered as telemetry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Testament {
    pub(super) properties: String,
    pub(super) payload: Box<[u8]>,
}

/// Waits for CONNECT and lets the core decide. The CONNACK stands in the wire's output afterwards, for whomever was
/// refused as well. Whoever wants to register only is served here to the end.
pub(super) async fn handshake<T, S>(
    wire: &mut Wire<T>,
    server: &Server<S>,
    certificates: &[CertificateDer<'static>],
    address: IpAddr,
) -> Result<Admitted<S>, End>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: DeviceService,
{
    timeout(server.limits.connect, first_packet(wire)).await.map_err(|_| End::NoConnect)??;
    let input = wire.take_input();
    let Step::Packet(packet, used) = decode(&input, LONGEST)? else { return Err(End::FirstPacket) };
    let result = match packet {
        Packet::Connect(connect) => match provisioning::visitor(&connect, certificates, address) {
            None => admit(&connect, server, certificates).await,
            Some(visitor) => {
                wire.put_back(input, used);
                return Err(provisioning::serve(wire, server, &visitor).await);
            }
        },
        Packet::OtherLevel(level) => Err(End::Level(level)),
        _ => Err(End::FirstPacket),
    };
    wire.put_back(input, used);
    answer(wire.output(), &result);
    result
}

async fn first_packet<T: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<T>) -> Result<(), End> {
    while let Step::More(_) = decode(wire.input(), LONGEST)? {
        if wire.fill().await.map_err(End::Broken)? == 0 {
            return Err(End::Gone);
        }
    }
    Ok(())
}

fn answer<S: DeviceService>(out: &mut Vec<u8>, result: &Result<Admitted<S>, End>) {
    let code = match result {
        Ok(admitted) => return encode::connack(out, admitted.session_present, ConnectCode::Accepted),
        Err(End::Level(5)) => return encode::connack_to_level_5(out),
        Err(End::Level(_)) => ConnectCode::ProtocolLevel,
        Err(End::NoClientId) => ConnectCode::ClientId,
        Err(End::Unavailable) => ConnectCode::Unavailable,
        Err(End::Name | End::NotAuthorized) => ConnectCode::NotAuthorized,
        Err(_) => return,
    };
    encode::connack(out, false, code);
}

async fn admit<S: DeviceService>(
    connect: &Connect<'_>,
    server: &Server<S>,
    certificates: &[CertificateDer<'static>],
) -> Result<Admitted<S>, End> {
    if connect.client_id.is_empty() {
        return Err(End::NoClientId);
    }
    let name = Name::parse(connect.client_id, connect.username.unwrap_or_default()).ok_or(End::Name)?;
    let will = testament(connect, &name)?;
    let password = connect.password.map(str::from_utf8).transpose().map_err(|_| End::NotAuthorized)?;
    let request = ConnectRequest {
        link: name.link.clone(),
        password,
        certificates,
        clean_session: connect.clean_session,
        model_id: name.model_id.as_deref(),
    };
    let mut place = Place::arrive(name.link, Arc::clone(&server.links), Arc::clone(&server.service)).await;
    let admission = ask(server, &request, &mut place).await?;
    let kept = if connect.clean_session { Subscriptions::default() } else { admission.subscriptions };
    let mailbox = Arc::new(Mailbox::new(kept));
    place.sit(Arc::clone(&mailbox));
    Ok(Admitted {
        place,
        mailbox,
        clean_session: connect.clean_session,
        session: admission.session,
        keep_alive: connect.keep_alive,
        expires: admission.expires,
        will,
        session_present: kept != Subscriptions::default(),
    })
}

async fn ask<S: DeviceService>(
    server: &Server<S>,
    request: &ConnectRequest<'_>,
    place: &mut Place<S>,
) -> Result<Admission, End> {
    place.known(true);
    let decided = timeout(server.limits.request, server.service.connect(request)).await;
    let refusal = match decided.map_err(|_| End::Unavailable)? {
        Ok(admission) => return Ok(admission),
        Err(refusal) => refusal,
    };
    place.known(false);
    let end = match refusal {
        Refusal::NotAuthorized => End::NotAuthorized,
        Refusal::Unavailable => End::Unavailable,
    };
    info!(link = %request.link, reason = %end, "a device is not let in");
    Err(end)
}

fn testament(connect: &Connect<'_>, name: &Name) -> Result<Option<Box<Testament>>, End> {
    let Some(will) = &connect.will else { return Ok(None) };
    let Some(Publish::Telemetry { mut properties, .. }) = topic::published(will.topic, &name.link) else {
        return Err(End::Will);
    };
    properties.push("iothub-MessageType", Some("Will"));
    if will.retain {
        properties.push("mqtt-retain", Some("true"));
    }
    Ok(Some(Box::new(Testament { properties: properties.to_string(), payload: will.payload.into() })))
}
