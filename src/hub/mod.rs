//! The hub: Azure IoT Hub's REST and MQTT surfaces over a durable store.
//!
//! * [`Hub`] opens a state folder, listens and serves; [`Config`] says where and under which names. [`offline`] reads
//!   what a state folder says without a hub.
//! * `core` is the only writer of identities and twins: it checks, stores durably, and only then tells. `record` is
//!   what it writes, and what a write does to it.
//! * `store` keeps what the core hands it; every acknowledged write survives a crash.
//! * `cluster` joins several hub processes over one shared store; `folder` is what a process of them remembers itself.
//! * `api` is the REST side, `mqtt` the device side. They know the core through `ports`, and not each other.
//! * `tls` holds the hub's certificates, `auth` decides who may do what.

mod api;
mod auth;
mod cluster;
mod config;
mod core;
mod error;
mod failure;
mod folder;
mod hex;
mod listen;
mod mqtt;
pub mod offline;
mod ports;
mod random;
mod record;
mod server;
mod store;
mod time;
mod tls;

pub use config::{Addresses, CertificateFiles, Config};
pub use error::HubError;
pub use server::Hub;
