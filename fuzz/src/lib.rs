//! What holds for every input that strangers send, one function for each fuzz target; a panic is a bug.
//!
//! The ground floor of the crate is used as it is published. What only the hub has is taken in by path, so that neither
//! database nor web server has to be built; see `hub`.

mod hub;
mod names;
mod query;
mod sas;

pub use hub::{bodies::bodies, mqtt::mqtt, twin::twin, websocket::websocket};
pub use names::names;
pub use query::query;
pub use sas::sas;
// Where the hub's sources look for them.
pub(crate) use twinops::{iothub, twin};

/// What prints reads as the same again.
fn comes_back<T>(text: &str)
where
    T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug,
{
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        assert_eq!(printed.parse::<T>().ok().as_ref(), Some(&value), "{text:?} prints as {printed:?}");
    }
}
