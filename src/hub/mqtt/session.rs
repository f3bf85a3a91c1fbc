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
    topic,
};
use crate::iothub::{Deliver, Publish as Upward};

impl<T: AsyncRead + AsyncWrite + Unpin, S: DeviceService> Connection<T, S> {
    /// Takes one packet: does what is quick, and queues what is for the core.
    pub(super) fn take_packet(&mut self, packet: &Packet<'_>) -> Result<(), End> {
        match packet {
            Packet::Connect(_) | Packet::OtherLevel(_) => return Err(End::SecondConnect),
            Packet::Publish(publish) => return self.published(publish),
            Packet::Subscribe(subscribe) => return self.subscribe(subscribe),
            Packet::Unsubscribe(unsubscribe) => return self.unsubscribe(unsubscribe),
            Packet::PubAck(id) => self.acknowledged(*id),
            Packet::PingReq => encode::pingresp(self.wire.output()),
            Packet::Disconnect => self.close(End::Goodbye),
        }
        Ok(())
    }

    fn published(&mut self, publish: &Publish<'_>) -> Result<(), End> {
        if publish.payload.len() > PAYLOAD {
            return Err(End::MessageTooBig(publish.payload.len()));
        }
        let work = match topic::published(publish.topic, &self.place.link).ok_or(End::Topic)? {
            Upward::TwinGet { rid } => Work::Twin { rid },
            Upward::TwinPatchReported { rid, version } => {
                Work::Reported { rid, expected: version, patch: publish.payload.into() }
            }
            Upward::Telemetry { mut properties, .. } => {
                if publish.retain {
                    properties.push("mqtt-retain", Some("true"));
                }
                let payload = Bytes::copy_from_slice(publish.payload);
                Work::Telemetry { properties: properties.to_string(), payload }
            }
            Upward::MethodResponse { rid, status } => {
                self.answered(&rid, status, publish.payload);
                Work::Nothing
            }
        };
        if publish.id.is_some() || !matches!(work, Work::Nothing) {
            self.enqueue(Job::new(publish.id, work));
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
            *topic::slot(filter, &self.place.link, &mut subscriptions).ok_or(End::Filter)? = Some(qos);
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
            *topic::slot(filter, &self.place.link, &mut subscriptions).ok_or(End::Filter)? = None;
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
        let keep = (!self.clean_session && subscriptions != before).then_some((self.session, subscriptions));
        self.enqueue(Job::new(None, Work::Subscriptions { keep, reply }));
        if before.messages.is_none() {
            self.ask_for_mail();
        }
    }

    /// Sends a message of the hub if the device is still subscribed to it.
    pub(super) fn send(&mut self, order: Order) {
        match order {
            Order::Desired { version, patch } => {
                let granted = self.mailbox.subscriptions().desired;
                self.publish(&Deliver::DesiredPatch { version }, granted, &patch);
            }
            Order::Call { rid, method, payload } => {
                // An empty text is no JSON, and some SDKs parse whatever comes.
                let payload: &[u8] = if payload.is_empty() { b"null" } else { &payload };
                let granted = self.mailbox.subscriptions().methods.map(|_| Qos::AtMostOnce);
                self.publish(&Deliver::Method { name: method.into(), rid: format!("{rid:x}") }, granted, payload);
            }
            Order::Mail => self.ask_for_mail(),
        }
    }

    /// Sends a twin response if the device is subscribed to them.
    pub(super) fn respond(&mut self, rid: String, result: Result<(Option<u64>, Bytes), Fault>) {
        let granted = self.mailbox.subscriptions().twin_responses;
        let topic = |status, version| Deliver::TwinResponse { status, rid, version };
        match result {
            Ok((None, twin)) => self.publish(&topic(200, None), granted, &twin),
            Ok((version, body)) => self.publish(&topic(204, version), granted, &body),
            Err(fault) => self.publish(&topic(fault.status(), None), granted, fault_body(&fault).as_bytes()),
        }
    }

    fn publish(&mut self, topic: &Deliver, granted: Option<Qos>, payload: &[u8]) {
        let id = match granted {
            None => return,
            Some(Qos::AtMostOnce) => None,
            Some(Qos::AtLeastOnce) => self.unacked.take(),
        };
        if let Err(error) = encode::publish(self.wire.output(), &topic.to_string(), id, false, payload) {
            warn!(link = %self.place.link, %error, "a message could not be sent");
        }
    }
}
