//! Tokens that issuers of OpenID Connect sign: taken apart and checked (RFC 7515, RFC 7517, RFC 7519). Nothing is fetched
//! here.

mod claims;
mod keys;
mod token;

pub(crate) use claims::texts;
pub(crate) use keys::{Key, parse};
pub(crate) use token::{BearerError, Token};
