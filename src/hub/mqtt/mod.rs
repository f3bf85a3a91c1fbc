//! The device side: MQTT 3.1.1 as an IoT hub speaks it (protocol reference 11), which is no broker. Every device
//! has a handful of fixed topics, is alone on them, and talks with the hub only.
//!
//! * [`codec`] turns bytes into packets and back, without I/O.
//! * `server` takes accepted streams; `handshake` lets devices in, with `name` for who they say they are.
//! * `connection` is the loop of one link, over `wire` (buffers), `clock` (its one timer), `mailbox` (what the hub
//!   has for it) and `job` (what it has for the core, one after the other). `session` gives packets their meaning,
//!   `topic` their topics, and `end` says why it was over.
//! * `provisioning` is for devices that are no devices of this hub yet and want to become some.
//! * `mail` brings messages that wait for the device.
//! * `links` knows all links by name; `place` is a link's hold on its name.
//!
//! An idle link is one task without buffers: reading goes through memory that a thread's links share, and queues
//! allocate when used. Nothing a device does, or omits, makes a link grow without bound: with too many requests
//! under way it is not read; with too much unread it is cut.

mod answer;
mod clock;
mod codec;
mod connection;
mod end;
mod handshake;
mod job;
mod links;
mod mail;
mod mailbox;
mod name;
mod place;
mod provisioning;
mod server;
mod session;
mod topic;
mod unacked;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use links::LinkTable;
pub(crate) use server::{Limits, Server};
