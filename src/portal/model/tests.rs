//! The model, from twins on.
