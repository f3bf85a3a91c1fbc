//! Room: twin.
