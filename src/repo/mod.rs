//! Room: repo.
