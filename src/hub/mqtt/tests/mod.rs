//! Sentences about links.
