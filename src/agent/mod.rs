//! The device agent: makes the device match the last desired properties that it accepted.

mod ledger;
