//! The device side.

mod codec;
