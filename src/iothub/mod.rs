//! The wire.

mod audience;
mod connection;
mod error;
mod escape;
mod etag;
mod host;
mod identity;
mod key;
mod policy;
mod sas;
mod secret;
pub use audience::*;
pub use connection::*;
pub use error::*;
pub use etag::*;
pub use host::*;
pub use identity::*;
pub use key::*;
pub use policy::*;
pub use sas::*;
pub use secret::*;
