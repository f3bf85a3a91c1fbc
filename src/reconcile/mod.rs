//! Carry a plan out: knows no protocol, decides nothing.

pub mod ports;
