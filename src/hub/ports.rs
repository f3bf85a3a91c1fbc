//! What the hub's two sides need of each other, in their own words.
//!
//! The MQTT side owns the links to devices and asks a [`DeviceService`] for everything that outlives a link. The
//! core owns identities and twins, and reaches devices through [`Links`].

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    num::NonZeroU16,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use rustls_pki_types::CertificateDer;

use crate::{
    iothub::{Properties, RegistrationId, Secret},
    twin::DeviceId,
};

/// Who is at the other end of a link: a device, or one module of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LinkId {
    pub(crate) device: DeviceId,
    pub(crate) module: Option<Arc<str>>,
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.module {
            None => fmt::Display::fmt(&self.device, f),
            Some(module) => write!(f, "{}/{module}", self.device),
        }
    }
}

/// The certificates that a client showed when its connection was made, its own first; empty for most. That the client
/// has the key of the first was seen in the handshake, and nothing else was looked at. Every request of the REST side
/// carries it as an extension.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerCertificates(pub(crate) Arc<[CertificateDer<'static>]>);

impl PeerCertificates {
    /// Of a connection whose handshake is done.
    pub(crate) fn of(chain: Option<&[CertificateDer<'static>]>) -> Self {
        chain.map(|chain| Self(chain.into())).unwrap_or_default()
    }
}

/// Where a client connects from. Every request of the REST side carries it as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// What a device said when it connected (protocol reference 11.1), taken apart but not yet believed.
#[derive(Clone)]
pub(crate) struct ConnectRequest<'a> {
    pub(crate) link: LinkId,
    /// The SAS token, when there is one. Never logged.
    pub(crate) password: Option<&'a str>,
    /// The certificates that the client showed, its own first; empty for most.
    pub(crate) certificates: &'a [CertificateDer<'static>],
    pub(crate) clean_session: bool,
    pub(crate) model_id: Option<&'a str>,
}

/// A device that may talk.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    /// When its token or certificate ends; the link is cut then.
    pub(crate) expires: Option<SystemTime>,
    /// The subscriptions kept from its last session: empty after a clean one.
    pub(crate) subscriptions: Subscriptions,
    /// Which of the identity's sessions this is. A later one makes what an earlier one wants to keep void.
    pub(crate) session: u64,
}

/// Why a device may not talk. The device learns only that it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Unknown, disabled, wrong key, expired token: CONNACK 5.
    NotAuthorized,
    /// The hub cannot tell now: CONNACK 3.
    Unavailable,
}

/// The five things a device may subscribe to (protocol reference 11.2), and with which quality of service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Subscriptions {
    pub(crate) twin_responses: Option<Qos>,
    pub(crate) desired: Option<Qos>,
    pub(crate) methods: Option<Qos>,
    pub(crate) messages: Option<Qos>,
    pub(crate) inputs: Option<Qos>,
}

/// Quality of service; there is no 2 on an IoT hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
}

/// A request of a device that failed: becomes a twin response with this status and an error body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Six digits whose first three are the status, e.g. 400004 (protocol reference 2.4).
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl Fault {
    /// The status in the answer's topic.
    #[expect(clippy::cast_possible_truncation, reason = "a code has six digits")]
    pub(crate) const fn status(&self) -> u16 {
        (self.code / 1000) as u16
    }
}

/// What the MQTT side needs of the core.
pub(crate) trait DeviceService: Provisioning {
    /// Decides whether a device may talk, and remembers that it is connected.
    fn connect(&self, request: &ConnectRequest<'_>) -> impl Future<Output = Result<Admission, Refusal>> + Send;

    /// The link is gone and no other has taken its place.
    fn disconnected(&self, link: &LinkId);

    /// The subscriptions of a session that is to outlive its link; a fault if another one has begun since.
    fn keep_subscriptions(
        &self,
        link: &LinkId,
        session: u64,
        subscriptions: Subscriptions,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The device's view of its twin, as JSON text (protocol reference 5.4).
    fn twin(&self, link: &LinkId) -> impl Future<Output = Result<Bytes, Fault>> + Send;

    /// Merges a reported patch, durably, if `expected` is absent or the current version. The new version.
    fn patch_reported(
        &self,
        link: &LinkId,
        patch: &[u8],
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, Fault>> + Send;

    /// Takes a message from a device; returning means that it is accepted.
    fn telemetry(
        &self,
        link: &LinkId,
        properties: &str,
        payload: Bytes,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The first message behind `after` that waits for the device; it counts as delivered once more. `packet` is for
    /// the packet that carries it, unless it was sent before.
    fn next_message(
        &self,
        link: &LinkId,
        after: u64,
        packet: Option<NonZeroU16>,
    ) -> impl Future<Output = Result<Option<Delivery>, Fault>> + Send;

    /// The device has a message: it waits no longer.
    fn complete_message(&self, link: &LinkId, sequence: u64) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A message of the service on its way to a device (protocol reference 11.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Its place in the device's queue.
    pub(crate) sequence: u64,
    /// The packet identifier under which it was sent first.
    pub(crate) packet: Option<NonZeroU16>,
    /// Whether it was sent before.
    pub(crate) again: bool,
    pub(crate) properties: Properties,
    pub(crate) payload: Bytes,
}

/// Somebody who wants to become a device of this hub (protocol reference 13), not yet believed.
#[derive(Debug, Clone)]
pub(crate) struct Registrant {
    /// Which provisioning service is meant.
    pub(crate) id_scope: String,
    pub(crate) id: RegistrationId,
    /// The SAS token, when there is one.
    pub(crate) token: Option<Secret>,
    pub(crate) certificates: PeerCertificates,
}

/// What somebody who registers is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegistrationAnswer {
    /// As HTTP has them: 200 when it is over, 202 when it is to be asked for again.
    pub(crate) status: u16,
    /// What to ask for, when it is.
    pub(crate) operation: Option<String>,
    /// And when, in seconds.
    pub(crate) retry_after: Option<u32>,
    /// JSON text.
    pub(crate) body: Bytes,
}

/// What the MQTT side needs for devices that are to be assigned to a hub.
pub(crate) trait Provisioning: Send + Sync + 'static {
    /// Decides whether somebody is whom an enrolment describes.
    fn recognise(&self, who: &Registrant) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Registers somebody, durably; `body` is what they say about themselves.
    fn register(&self, who: &Registrant, body: &[u8])
    -> impl Future<Output = Result<RegistrationAnswer, Fault>> + Send;

    /// Tells how a registration went.
    fn registered(
        &self,
        who: &Registrant,
        operation: &str,
    ) -> impl Future<Output = Result<RegistrationAnswer, Fault>> + Send;
}

/// The answer of a device to a direct method.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MethodAnswer {
    pub(crate) status: i32,
    /// JSON text; empty counts as null.
    pub(crate) payload: Bytes,
}

/// Why a method has no answer (protocol reference 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MethodFault {
    /// Not connected, or not subscribed to methods, when the connect timeout was over.
    NotOnline,
    /// No answer within the response timeout.
    NoAnswer,
}

/// What the core needs of the MQTT side.
pub(crate) trait Links: Send + Sync + 'static {
    /// Sends a desired patch to the device if it is connected and subscribed; never queued (protocol reference
    /// 11.7). `patch` is the JSON text with `$version` in it.
    fn desired(&self, link: &LinkId, version: u64, patch: Bytes);

    /// Calls a direct method and waits for its answer.
    fn call(
        &self,
        link: &LinkId,
        method: &str,
        payload: Bytes,
        connect: Duration,
        response: Duration,
    ) -> impl Future<Output = Result<MethodAnswer, MethodFault>> + Send;

    /// A message waits for the device, which asks for it if it is connected and subscribed.
    fn mail(&self, link: &LinkId);

    /// Cuts the link, e.g. because the device was disabled.
    fn cut(&self, link: &LinkId);

    /// How many devices and modules are connected.
    fn connected(&self) -> usize;
}
