//! The data models: what the sections of a twin may hold, as types.
//!
//! * [`pnp`] is the status convention of IoT Plug and Play: how a device answers a writable property.
//! * [`time`], [`files`] and [`device_info`] are the neutral components that the agent speaks.
//!
//! The types read what stands in a twin below a component's name, without the `__t` marker that tools add.

pub mod device_info;
pub mod files;
pub mod pnp;
pub mod time;
