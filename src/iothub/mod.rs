//! Room: iothub.
