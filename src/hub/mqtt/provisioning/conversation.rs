//! What is said between CONNACK and the end. One request after the other, so that nothing piles up.

use std::{future::poll_fn, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::{
    super::{
        super::ports::{DeviceService, Fault, Qos, RegistrationAnswer},
        answer::fault_body,
        codec::{Packet, Publish, Step, Subscribe, decode, encode},
        end::End,
        server::Server,
        wire::Wire,
    },
    Visitor,
};
use crate::iothub::{
    ErrorCode,
    topic::{REGISTRATION_RESPONSES, RegistrationRequest, RegistrationResponse},
};

/// Greatest remaining length: 96 KB of payload and a topic (protocol reference 13.3).
const LONGEST: usize = 100 * 1024;
/// How long anybody may stay: registering takes seconds.
const VISIT: Duration = Duration::from_mins(10);
/// The longest silence, whatever keep-alive a device asks for.
const SILENCE: Duration = Duration::from_mins(2);
/// When somebody who was throttled is to try again, in seconds.
const THROTTLED: u32 = 10;

struct Conversation<'c, T, S> {
    wire: &'c mut Wire<T>,
    server: &'c Server<S>,
    visitor: &'c Visitor,
    /// Whether answers are wanted.
    subscribed: bool,
}

/// Serves a visitor until the end, and says why it was.
pub(super) async fn hold<T, S>(wire: &mut Wire<T>, server: &Server<S>, visitor: &Visitor) -> End
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: DeviceService,
{
    let silence = match visitor.keep_alive {
        0 => SILENCE,
        seconds => SILENCE.min(Duration::from_secs(seconds.into()) * 3 / 2),
    };
    let mut conversation = Conversation { wire, server, visitor, subscribed: false };
    timeout(VISIT, conversation.run(silence)).await.unwrap_or(End::Silent)
}

impl<T: AsyncRead + AsyncWrite + Unpin, S: DeviceService> Conversation<'_, T, S> {
    async fn run(&mut self, silence: Duration) -> End {
        loop {
            if let Err(end) = self.turn(silence).await {
                return end;
            }
        }
    }

    /// Sends what is to be sent, and takes the next packet.
    async fn turn(&mut self, silence: Duration) -> Result<(), End> {
        let flushed = timeout(self.server.limits.stall, poll_fn(|cx| self.wire.poll_flush(cx))).await;
        flushed.map_err(|_| End::Stalled)?.map_err(End::Broken)?;
        timeout(silence, self.whole_packet()).await.map_err(|_| End::Silent)??;
        let input = self.wire.take_input();
        let Step::Packet(packet, used) = decode(&input, LONGEST)? else { return Ok(()) };
        self.take(&packet).await?;
        self.wire.put_back(input, used);
        Ok(())
    }

    async fn whole_packet(&mut self) -> Result<(), End> {
        while let Step::More(_) = decode(self.wire.input(), LONGEST)? {
            if self.wire.fill().await.map_err(End::Broken)? == 0 {
                return Err(End::Gone);
            }
        }
        Ok(())
    }

    async fn take(&mut self, packet: &Packet<'_>) -> Result<(), End> {
        match packet {
            Packet::Connect(_) | Packet::OtherLevel(_) => return Err(End::SecondConnect),
            Packet::Publish(publish) => return self.published(publish).await,
            Packet::Subscribe(subscribe) => return self.subscribe(subscribe),
            Packet::Unsubscribe(unsubscribe) => {
                check(unsubscribe.filters())?;
                self.subscribed = false;
                encode::unsuback(self.wire.output(), unsubscribe.id);
            }
            Packet::PubAck(_) => {}
            Packet::PingReq => encode::pingresp(self.wire.output()),
            Packet::Disconnect => return Err(End::Goodbye),
        }
        Ok(())
    }

    fn subscribe(&mut self, packet: &Subscribe<'_>) -> Result<(), End> {
        check(packet.filters().map(|(filter, _)| filter))?;
        let granted: Vec<Qos> = packet.filters().map(|(_, qos)| qos).collect();
        self.subscribed = true;
        encode::suback(self.wire.output(), packet.id, &granted);
        Ok(())
    }

    async fn published(&mut self, publish: &Publish<'_>) -> Result<(), End> {
        let request = publish.topic.parse().map_err(|_| End::Topic)?;
        let (service, limit) = (&self.server.service, self.server.limits.request);
        let (rid, answer) = match request {
            RegistrationRequest::Register { rid } => {
                (rid, timeout(limit, service.register(&self.visitor.who, publish.payload)).await)
            }
            RegistrationRequest::Poll { rid, operation } => {
                (rid, timeout(limit, service.registered(&self.visitor.who, &operation)).await)
            }
        };
        if let Some(id) = publish.id {
            encode::puback(self.wire.output(), id);
        }
        let answer = answer.unwrap_or_else(|_| Err(late()));
        let is_failed_attempt = answer.as_ref().is_err_and(|fault| fault.status() == 401);
        self.answer(rid, answer)?;
        if is_failed_attempt && self.server.failed(self.visitor.address) { Err(End::NotAuthorized) } else { Ok(()) }
    }

    /// Always at most once: whoever misses an answer asks again.
    fn answer(&mut self, rid: String, answer: Result<RegistrationAnswer, Fault>) -> Result<(), End> {
        if !self.subscribed {
            return Ok(());
        }
        let (status, retry_after, body) = match answer {
            Ok(answer) => (answer.status, answer.retry_after, answer.body),
            Err(fault) => {
                let status = fault.status();
                (status, (status == 429).then_some(THROTTLED), Bytes::from(fault_body(&fault)))
            }
        };
        let topic = RegistrationResponse { status, rid, retry_after }.to_string();
        encode::publish(self.wire.output(), &topic, None, false, &body).map_err(|_| End::Topic)
    }
}

fn check<'f>(mut filters: impl Iterator<Item = &'f str>) -> Result<(), End> {
    if filters.all(|filter| filter == REGISTRATION_RESPONSES) { Ok(()) } else { Err(End::Filter) }
}

fn late() -> Fault {
    let message = "the hub did not finish in time; try again".to_owned();
    Fault { code: ErrorCode::ServiceUnavailable.number(), message }
}
