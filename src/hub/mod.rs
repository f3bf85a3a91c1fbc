//! Room: hub.
