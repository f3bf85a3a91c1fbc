//! Room: component.
