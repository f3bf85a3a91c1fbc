//! Room: query.

/// A condition; the real one is on its way.
#[derive(Debug, Clone)]
pub struct Condition;
