//! What a device's packets mean on an IoT hub, and what it is sent.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{
    super::ports::{DeviceService, Fault, MethodAnswer, Qos, Subscriptions},
    answer::fault_body,
    codec::{Packet, Publish, Subscribe, Unsubscribe, encode},
    connection::{Connection, PAYLOAD},
    end::End,
    job::{Job, Work},
    mailbox::Order,
    topic::{self, Filter, Upward},
};

impl<T: AsyncRead + AsyncWrite + Unpin, S: DeviceService> Connection<T, S> {
    /// Takes one packet: does what is quick, and queues what is for the core.
    pub(super) fn take_packet(&mut self, packet: &Packet<'_>) -> Result<(), End> {
        match packet {
            Packet::Connect(_) | Packet::OtherLevel(_) => return Err(End::SecondConnect),
            Packet::Publish(publish) => return self.published(publish),
            Packet::Subscribe(subscribe) => return self.subscribe(subscribe),
            Packet::Unsubscribe(unsubscribe) => return self.unsubscribe(unsubscribe),
            Packet::PubAck(id) => self.unacked.acknowledge(*id),
            Packet::PingReq => encode::pingresp(self.wire.output()),
            Packet::Disconnect => self.close(End::Goodbye),
        }
        Ok(())
    }

    fn published(&mut self, publish: &Publish<'_>) -> Result<(), End> {
        if publish.payload.len() > PAYLOAD {
            return Err(End::MessageTooBig(publish.payload.len()));
        }
        let work = match Upward::parse(publish.topic, &self.place.link).ok_or(End::Topic)? {
            Upward::GetTwin { rid } => Work::Twin { rid: rid.into() },
            Upward::Reported { rid, version } => {
                Work::Reported { rid: rid.into(), expected: version.map(Into::into), patch: publish.payload.into() }
            }
            Upward::Telemetry { properties } => Work::Telemetry {
                properties: match publish.retain {
                    false => properties.into(),
                    true => topic::with_property(properties, topic::RETAINED).into(),
                },
                payload: Bytes::copy_from_slice(publish.payload),
            },
            Upward::MethodAnswer { rid, status } => {
                self.answered(rid, status, publish.payload);
                Work::Nothing
            }
        };
        if publish.id.is_some() || !matches!(work, Work::Nothing) {
            self.enqueue(Job { ack: publish.id, work });
        }
        Ok(())
    }

    /// Hands the answer to the caller; one that nobody waits for is dropped in silence.
    fn answered(&self, rid: &str, status: i32, payload: &[u8]) {
        if let Ok(rid) = u32::from_str_radix(rid, 16) {
            let payload =
                if payload.is_empty() { Bytes::from_static(b"null") } else { Bytes::copy_from_slice(payload) };
            self.mailbox.answer(rid, MethodAnswer { status, payload });
        }
    }

    fn subscribe(&mut self, packet: &Subscribe<'_>) -> Result<(), End> {
        let mut subscriptions = self.mailbox.subscriptions();
        let mut granted = Vec::new();
        for (filter, qos) in packet.filters() {
            let filter = Filter::parse(filter, &self.place.link).ok_or(End::Filter)?;
            *slot(&mut subscriptions, filter) = Some(qos);
            granted.push(qos);
        }
        let mut reply = Vec::new();
        encode::suback(&mut reply, packet.id, &granted);
        self.resubscribed(subscriptions, reply);
        Ok(())
    }

    fn unsubscribe(&mut self, packet: &Unsubscribe<'_>) -> Result<(), End> {
        let mut subscriptions = self.mailbox.subscriptions();
        for filter in packet.filters() {
            let filter = Filter::parse(filter, &self.place.link).ok_or(End::Filter)?;
            *slot(&mut subscriptions, filter) = None;
        }
        let mut reply = Vec::new();
        encode::unsuback(&mut reply, packet.id);
        self.resubscribed(subscriptions, reply);
        Ok(())
    }

    /// Puts subscriptions in force, and acknowledges them once they are kept as long as the session demands.
    fn resubscribed(&mut self, subscriptions: Subscriptions, reply: Vec<u8>) {
        let before = self.mailbox.subscriptions();
        self.mailbox.subscribe(subscriptions);
        if self.mailbox.takes_calls() {
            self.place.ring();
        }
        let keep = (!self.clean_session && subscriptions != before).then_some(subscriptions);
        self.enqueue(Job { ack: None, work: Work::Subscriptions { keep, reply } });
    }

    /// Sends a message of the hub if the device is still subscribed to it.
    pub(super) fn send(&mut self, order: Order) {
        match order {
            Order::Desired { version, patch } => {
                let granted = self.mailbox.subscriptions().desired;
                self.publish(&topic::desired(version), granted, &patch);
            }
            Order::Call { rid, method, payload } => {
                // An empty text is no JSON, and some SDKs parse whatever comes.
                let payload: &[u8] = if payload.is_empty() { b"null" } else { &payload };
                let granted = self.mailbox.subscriptions().methods.map(|_| Qos::AtMostOnce);
                self.publish(&topic::method_call(&method, rid), granted, payload);
            }
        }
    }

    /// Sends a twin response if the device is subscribed to them.
    pub(super) fn respond(&mut self, rid: &str, result: Result<(Option<u64>, Bytes), Fault>) {
        let granted = self.mailbox.subscriptions().twin_responses;
        match result {
            Ok((None, twin)) => self.publish(&topic::twin_response(200, rid, None), granted, &twin),
            Ok((version, body)) => self.publish(&topic::twin_response(204, rid, version), granted, &body),
            Err(fault) => {
                self.publish(&topic::twin_response(fault.status(), rid, None), granted, &fault_body(&fault));
            }
        }
    }

    fn publish(&mut self, topic: &str, granted: Option<Qos>, payload: &[u8]) {
        let id = match granted {
            None => return,
            Some(Qos::AtMostOnce) => None,
            Some(Qos::AtLeastOnce) => self.unacked.take(),
        };
        if let Err(error) = encode::publish(self.wire.output(), topic, id, payload) {
            warn!(link = %self.place.link, %error, "a message could not be sent");
        }
    }
}

const fn slot(subscriptions: &mut Subscriptions, filter: Filter) -> &mut Option<Qos> {
    match filter {
        Filter::TwinResponses => &mut subscriptions.twin_responses,
        Filter::Desired => &mut subscriptions.desired,
        Filter::Methods => &mut subscriptions.methods,
        Filter::Messages => &mut subscriptions.messages,
        Filter::Inputs => &mut subscriptions.inputs,
    }
}
