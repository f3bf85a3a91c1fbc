//! Serves accepted streams.

use std::{
    collections::VecDeque,
    error::Error as _,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{
    super::{
        guard::Guard,
        meter::Meter,
        ports::{DeviceService, LinkId, Links as _, PeerCertificates},
    },
    clock::Clock,
    connection::{Connection, GOODBYE},
    end::End,
    handshake::{Admitted, Testament, handshake},
    links::LinkTable,
    mail::Mail,
    mailbox::Cut,
    unacked::Unacked,
    wire::Wire,
};
use crate::task::Stop;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From the open stream to the whole CONNECT.
    pub(crate) connect: Duration,
    /// One request to the core; a device whose request took longer is told that it failed.
    pub(crate) request: Duration,
    /// Without progress while something waits for the device to read it.
    pub(crate) stall: Duration,
    /// For what was received before an end in good order.
    pub(crate) drain: Duration,
    /// Over which links end when the hub stops, if they are many: their devices all come back somewhere.
    pub(crate) spread: Duration,
}

/// As many links as end at once when the hub stops, and as many as end in a second at least.
const FEW: usize = 100;
const PACE: usize = 1000;

impl Limits {
    /// How long one of `links` goes on after the hub was told to stop.
    fn respite(&self, links: usize) -> Duration {
        let needed = Duration::from_millis(1000 * links.saturating_sub(FEW) as u64 / PACE as u64);
        self.spread.min(needed).mul_f64(fastrand::f64())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            request: Duration::from_secs(30),
            stall: Duration::from_mins(1),
            drain: Duration::from_secs(8),
            spread: Duration::ZERO,
        }
    }
}

/// The MQTT side of the hub: whoever accepts connections hands them to it.
#[derive(Debug)]
pub(crate) struct Server<S> {
    pub(super) service: Arc<S>,
    pub(super) links: Arc<LinkTable>,
    pub(super) limits: Limits,
    meter: Arc<Meter>,
    guard: Option<Arc<Guard>>,
}

impl<S: DeviceService> Server<S> {
    /// Asks `service` for everything that outlives a link, and enters the links into `links`.
    pub(crate) fn new(service: Arc<S>, links: Arc<LinkTable>, limits: Limits) -> Self {
        Self { service, links, limits, meter: Meter::new(), guard: None }
    }

    /// The same, counted by `meter`.
    pub(crate) fn counted(self, meter: Arc<Meter>) -> Self {
        Self { meter, ..self }
    }

    /// Tells `guard` of those who fail to prove who they are.
    #[must_use]
    pub(crate) fn guarded(self, guard: Arc<Guard>) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// Somebody there failed to prove who they are. Says whether that happened too often.
    pub(super) fn failed(&self, address: IpAddr) -> bool {
        self.guard.as_ref().is_some_and(|guard| {
            guard.failed(address);
            guard.is_barred(address)
        })
    }

    /// Serves one stream, TLS already done, until it ends; spawn it. `certificates` are the client's.
    /// Dropping it is safe but abrupt: rather request `stop`.
    pub(crate) fn serve_link<T>(
        self: Arc<Self>,
        stream: T,
        certificates: PeerCertificates,
        peer: SocketAddr,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        // In a box with all it needs, because it is big and soon over, while the rest of the link may idle for months.
        let opened = Box::pin(Arc::clone(&self).open(Wire::new(stream), certificates, peer, stop.clone()));
        async move {
            let Some((mut connection, will)) = opened.await else { return };
            let end = self.run(&mut connection, &stop).await;
            log(&connection.place.link, peer, &end);
            self.meter.ended(end.word());
            Box::pin(self.finish(connection, will, end)).await;
        }
    }

    /// Lets the device in; whoever is not let in is told so, and gone afterwards.
    async fn open<T>(
        self: Arc<Self>,
        mut wire: Wire<T>,
        certificates: PeerCertificates,
        peer: SocketAddr,
        stop: Stop,
    ) -> Option<(Box<Connection<T, S>>, Option<Box<Testament>>)>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let admitted = stop.unless(handshake(&mut wire, &self, &certificates.0, peer.ip())).await;
        match admitted.unwrap_or(Err(End::Stopping)) {
            Ok(admitted) => {
                debug!(link = %admitted.place.link, %peer, "a device is connected");
                Some(self.connection(wire, admitted))
            }
            Err(End::Goodbye) => {
                debug!(%peer, "a device that wanted to register is done");
                farewell(&mut wire, &End::Goodbye).await;
                None
            }
            Err(end) => {
                info!(%peer, reason = %end, cause = cause(&end), "a connection was refused");
                self.meter.refused("mqtt", end.word());
                if end.is_failed_attempt() {
                    self.failed(peer.ip());
                }
                farewell(&mut wire, &end).await;
                None
            }
        }
    }

    /// Serves the link until it ends, or until the hub stops, its turn has come and what was received is done.
    async fn run<T>(&self, connection: &mut Connection<T, S>, stop: &Stop) -> End
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mailbox = Arc::clone(&connection.mailbox);
        let mut run = pin!(connection.run());
        tokio::select! {
            end = &mut run => return end,
            () = stop.requested() => {}
        }
        // Boxed, because most links never need it.
        tokio::select! {
            end = &mut run => return end,
            () = Box::pin(sleep(self.limits.respite(self.links.connected()))) => mailbox.cut(Cut::Stopping),
        }
        run.await
    }

    /// Gives up the place, closes the stream and delivers the will if there is reason to.
    async fn finish<T>(&self, connection: Box<Connection<T, S>>, will: Option<Box<Testament>>, end: End)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Connection { place, mut wire, .. } = *connection;
        let link = place.link.clone();
        drop(place);
        farewell(&mut wire, &end).await;
        if let Some(will) = will.filter(|_| end.is_unclean()) {
            self.deliver(&link, *will).await;
        }
    }

    fn connection<T: AsyncRead + AsyncWrite + Unpin>(
        self: Arc<Self>,
        wire: Wire<T>,
        admitted: Admitted<S>,
    ) -> (Box<Connection<T, S>>, Option<Box<Testament>>) {
        let Admitted { place, mailbox, clean_session, session, keep_alive, expires, will, .. } = admitted;
        let mut connection = Box::new(Connection {
            wire,
            place,
            mailbox,
            clean_session,
            session,
            clock: Clock::new(keep_alive, self.limits.stall, expires),
            server: self,
            jobs: VecDeque::new(),
            job_bytes: 0,
            running: None,
            unacked: Unacked::default(),
            mail: Mail::default(),
            closing: None,
        });
        connection.ask_for_mail();
        (connection, will)
    }

    async fn deliver(&self, link: &LinkId, will: Testament) {
        let delivery = self.service.telemetry(link, &will.properties, Bytes::from(will.payload));
        match timeout(self.limits.request, delivery).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => warn!(%link, code = fault.code, message = fault.message, "a will was not taken"),
            Err(_) => warn!(%link, "a will was not taken in time"),
        }
    }
}

/// Sends what is left and closes the stream, if it still makes sense.
async fn farewell<T: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<T>, end: &End) {
    if end.can_be_told() {
        match timeout(GOODBYE, wire.finish()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "the stream was closed by the other side"),
            Err(_) => debug!("the other side did not let the stream be closed in time"),
        }
    }
}

fn log(link: &LinkId, peer: SocketAddr, end: &End) {
    match end {
        End::Goodbye | End::Gone | End::Stopping => debug!(%link, %peer, reason = %end, "a link ended"),
        End::TakenOver => warn!(%link, %peer, reason = %end, "a link ended; do two devices share an identity?"),
        _ => info!(%link, %peer, reason = %end, cause = cause(end), "a link ended"),
    }
}

fn cause(end: &End) -> Option<String> {
    end.source().map(ToString::to_string)
}
