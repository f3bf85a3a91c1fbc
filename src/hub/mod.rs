//! The hub: Azure IoT Hub's REST and MQTT surfaces over a durable store.
//!
//! * `core` is the only writer of identities and twins: it checks, stores durably, and only then tells.
//! * `store` keeps what the core hands it; every acknowledged write survives a crash.
//! * `api` is the REST side, `mqtt` the device side. They know the core through [`ports`], and not each other.
//! * `tls` holds the hub's certificates, `auth` decides who may do what.

#[cfg_attr(not(test), expect(dead_code, reason = "until the core starts it"))]
mod auth;
mod core;
mod failure;
mod mqtt;
mod ports;
mod random;
mod record;
mod store;
mod time;
mod tls;
