//! Messages of the service on their way over one link (protocol reference 11.4): asked for one after the other while
//! the link has room, never more than a few of them unacknowledged.

use std::num::NonZeroU16;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

use super::{
    super::ports::{Delivery, DeviceService, Qos},
    codec::encode,
    connection::Connection,
    job::{Job, Work},
};
use crate::iothub::Deliver;

/// Most messages that the device has not acknowledged.
const WINDOW: usize = 16;

/// Where a link stands. Empty for most, and without memory.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// The last message that was sent; what comes before is not sent again on this link.
    sent: u64,
    /// Packets that were not acknowledged, and their messages.
    unacked: Vec<(NonZeroU16, u64)>,
    /// Whether the core is being asked.
    asking: bool,
    /// Whether there may be another one.
    more: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin, S: DeviceService> Connection<T, S> {
    /// Asks for the next message if the device is subscribed: at once, or as soon as there is room.
    pub(super) fn ask_for_mail(&mut self) {
        let Some(qos) = self.mailbox.subscriptions().messages else { return };
        self.mail.more = true;
        if self.mail.asking || self.mail.unacked.len() >= WINDOW || self.closing.is_some() {
            return;
        }
        let packet = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => match self.unacked.take() {
                None => return,
                taken => taken,
            },
        };
        self.mail.more = false;
        self.mail.asking = true;
        self.enqueue(Job::new(None, Work::Message { after: self.mail.sent, packet }));
    }

    /// Sends what the core had, and asks for more.
    pub(super) fn mail_came(&mut self, packet: Option<NonZeroU16>, delivery: Option<Delivery>) {
        self.mail.asking = false;
        let subscribed = self.mailbox.subscriptions().messages.filter(|_| self.closing.is_none());
        match (delivery, subscribed) {
            (Some(delivery), Some(Qos::AtMostOnce)) => {
                self.release(packet);
                self.mail.more = true;
                self.deliver(&delivery, None);
                self.enqueue(Job::new(None, Work::Complete { sequence: delivery.sequence }));
            }
            (Some(delivery), Some(Qos::AtLeastOnce)) => {
                self.mail.more = true;
                if let Some(packet) = self.packet_for(&delivery, packet) {
                    self.mail.unacked.push((packet, delivery.sequence));
                    self.deliver(&delivery, Some(packet));
                }
            }
            (_, _) => self.release(packet),
        }
        if self.mail.more {
            self.ask_for_mail();
        }
    }

    /// The device has acknowledged a packet, of whatever kind.
    pub(super) fn acknowledged(&mut self, id: NonZeroU16) {
        self.unacked.acknowledge(id);
        if let Some(at) = self.mail.unacked.iter().position(|(packet, _)| *packet == id) {
            let (_, sequence) = self.mail.unacked.remove(at);
            self.enqueue(Job::new(None, Work::Complete { sequence }));
            if self.mail.unacked.is_empty() {
                self.mail.unacked = Vec::new();
            }
        }
        if self.mail.more {
            self.ask_for_mail();
        }
    }

    /// A message that was sent before keeps its packet identifier in a session that goes on.
    fn packet_for(&mut self, delivery: &Delivery, packet: Option<NonZeroU16>) -> Option<NonZeroU16> {
        let before = delivery.packet.filter(|_| delivery.again && !self.clean_session);
        if let Some(before) = before.filter(|before| Some(*before) != packet)
            && self.unacked.take_this(before)
        {
            self.release(packet);
            return Some(before);
        }
        packet.or_else(|| self.unacked.take())
    }

    fn release(&mut self, packet: Option<NonZeroU16>) {
        if let Some(packet) = packet {
            self.unacked.acknowledge(packet);
        }
    }

    fn deliver(&mut self, delivery: &Delivery, packet: Option<NonZeroU16>) {
        self.mail.sent = delivery.sequence;
        let device = self.place.link.device.to_string();
        let topic = Deliver::CloudToDevice { device, properties: delivery.properties.clone() }.to_string();
        let again = delivery.again && !self.clean_session;
        let sent = encode::publish(self.wire.output(), &topic, packet, again, &delivery.payload);
        if let Err(error) = sent {
            warn!(link = %self.place.link, %error, "a message could not be sent");
        }
    }
}
