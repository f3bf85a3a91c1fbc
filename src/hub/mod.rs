//! The hub: Azure IoT Hub's REST and MQTT surfaces over a durable store.
//!
//! * [`Hub`] opens a state folder, listens and serves; [`Config`] says where and under which names. [`offline`] reads
//!   what a state folder says without a hub.
//! * `seed` fills a hub that stands in for another.
//! * `sockets` are the addresses it takes, `opening` what it settles before it listens.
//! * `core` is the only writer of identities and twins: it checks, stores durably, and only then tells. `record` is
//!   what it writes, and what a write does to it.
//! * [`backup`] copies a state folder and puts it back.
//! * `store` keeps what the core hands it; every acknowledged write survives a crash.
//! * `cluster` joins several hub processes over one shared store; `folder` is what a process of them remembers itself.
//! * `api` is the REST side, `mqtt` the device side. They know the core through `ports`, and not each other.
//! * `dps` is the knowledge of the provisioning service, which makes devices of those that prove who they are.
//! * `events` is the way out for messages of devices and for what happens here; `meter` counts.
//! * `tls` holds the hub's certificates, `auth` decides who may do what, and `guard` keeps
//!   strangers from using up what is there for all.

mod api;
mod auth;
pub mod backup;
mod cluster;
mod config;
mod core;
mod dps;
mod error;
mod events;
mod failure;
mod folder;
mod guard;
mod hex;
mod listen;
mod meter;
mod mqtt;
pub mod offline;
mod opening;
mod plain;
mod ports;
mod random;
mod record;
mod seed;
mod server;
mod sockets;
mod store;
#[cfg(test)]
mod tests;
mod time;
mod tls;
pub mod web;

pub use api::openapi;
pub use auth::{DataRole, OidcConfig, UnknownRole};
pub use config::{Addresses, CertificateFiles, Config};
pub use error::HubError;
pub use events::{EventFile, EventKind, EventTarget, EventWriter, Events, NoSuchEvent};
pub use guard::ConnectionLimits;
pub use server::Hub;
