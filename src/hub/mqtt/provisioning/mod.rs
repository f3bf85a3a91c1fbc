//! Devices that connect in order to be assigned to a hub (protocol reference 13.1). They share the listener with those
//! that are, and are told from them by their user name; they have no identity yet, so no place among the links, no
//! session, and three topics of their own.
//!
//! * [`visitor`] recognises them by their CONNECT; [`serve`] talks with them to the end.

mod conversation;

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::{
    super::ports::{DeviceService, PeerCertificates, Refusal, Registrant},
    codec::{Connect, encode, encode::ConnectCode},
    end::End,
    server::Server,
    wire::Wire,
};
use crate::iothub::RegistrantName;

/// Somebody who came in order to register.
pub(super) struct Visitor {
    who: Registrant,
    /// Seconds, as the device declared it.
    keep_alive: u16,
    /// Where they come from.
    address: IpAddr,
}

/// Whether a CONNECT is that of a device which wants to register. A module of a device that is called `registrations` has
/// a user name of the same form, but not a client id of one part.
pub(super) fn visitor(
    connect: &Connect<'_>,
    certificates: &[CertificateDer<'static>],
    address: IpAddr,
) -> Option<Visitor> {
    let name: RegistrantName = connect.username?.parse().ok()?;
    let who = Registrant {
        id_scope: name.id_scope,
        // What is no text is no token either, and is refused as such.
        token: connect.password.map(|token| String::from_utf8_lossy(token).into_owned().into()),
        certificates: PeerCertificates(certificates.into()),
        id: name.id,
    };
    who.id.is(connect.client_id).then_some(Visitor { who, keep_alive: connect.keep_alive, address })
}

/// Lets somebody in who is enrolled, and serves them to the end. The answer to the CONNECT of whoever is not stands in
/// the wire's output afterwards.
pub(super) async fn serve<T, S>(wire: &mut Wire<T>, server: &Server<S>, visitor: &Visitor) -> End
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: DeviceService,
{
    let recognised = timeout(server.limits.request, server.service.recognise(&visitor.who)).await;
    let (code, end) = match recognised.unwrap_or(Err(Refusal::Unavailable)) {
        Ok(()) => {
            encode::connack(wire.output(), false, ConnectCode::Accepted);
            return conversation::hold(wire, server, visitor).await;
        }
        Err(Refusal::NotAuthorized) => (ConnectCode::NotAuthorized, End::NotAuthorized),
        Err(Refusal::Unavailable) => (ConnectCode::Unavailable, End::Unavailable),
    };
    encode::connack(wire.output(), false, code);
    end
}
