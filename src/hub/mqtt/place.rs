//! A link's place among the links, given up when dropped, whatever else happens.

use std::sync::Arc;

use super::{
    super::ports::{DeviceService, LinkId},
    links::{Arrival, LinkTable},
    mailbox::Mailbox,
};

/// First the right to arrive, then the place itself.
#[derive(Debug)]
pub(super) struct Place<S: DeviceService> {
    pub(super) link: LinkId,
    table: Arc<LinkTable>,
    service: Arc<S>,
    arrival: Arrival,
    mailbox: Option<Arc<Mailbox>>,
    /// Whether the core may believe that this one is connected.
    known: bool,
}

impl<S: DeviceService> Place<S> {
    /// Announces somebody who wishes to connect.
    pub(super) async fn arrive(link: LinkId, table: Arc<LinkTable>, service: Arc<S>) -> Self {
        let arrival = table.arrive(&link).await;
        Self { link, table, service, arrival, mailbox: None, known: false }
    }

    /// From here on the core may believe that this one is connected, or not.
    pub(super) const fn known(&mut self, known: bool) {
        self.known = known;
    }

    /// Takes the place.
    pub(super) fn sit(&mut self, mailbox: Arc<Mailbox>) {
        self.table.sit(&self.link, self.arrival, Arc::clone(&mailbox));
        if mailbox.takes_calls() {
            self.ring();
        }
        self.mailbox = Some(mailbox);
    }

    /// The device takes method calls now.
    pub(super) fn ring(&self) {
        self.table.ring(&self.link);
    }
}

impl<S: DeviceService> Drop for Place<S> {
    fn drop(&mut self) {
        let empty = match &self.mailbox {
            Some(mailbox) => self.table.leave(&self.link, mailbox),
            None => self.table.withdraw(&self.link, self.known),
        };
        if empty {
            let _told = Told(&self.table, &self.link);
            self.service.disconnected(&self.link);
        }
    }
}

/// Opens the place again once the core knows that nobody is there, even if the core panicked over it.
struct Told<'a>(&'a LinkTable, &'a LinkId);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.told(self.1);
    }
}
