//! Resolving: which documents apply to a device, and what they want together.
//!
//! A [`Resolver`] lays the profiles that select a device over each other, weakest first, and the device's own
//! document on top. `${…}` is filled in first, so that values and not spellings are compared; profiles of one
//! priority that contradict each other are a finding unless something stronger decides. The merged result is held
//! against the full schemas of its components and the limits of the hub.
//!
//! All that depends on a device is which documents apply and which values they refer to. That is its class, and each
//! class is resolved once: a device of a class that is known costs its conditions and a look-up.
//!
//! * `facts` is a device as conditions see it; `template` and `render` fill texts in; `secrets` are looked up.
//! * `layer` and `class` name the documents and the class; `overlay` merges; `merged` makes a wanted twin of it.
//! * `competing` tells which documents had a say in a value, and which of them won.
//! * `governed` says which rollout a device belongs to; `content` tells whether two revisions declare the same.
//! * `verify` checks the result, `room` looks how full it is; `cache` keeps it.
//! * [`check()`] resolves all that can be resolved without a hub; a [`Census`] looks at live twins.

mod cache;
mod census;
mod check;
mod class;
mod competing;
mod content;
mod facts;
mod governed;
mod layer;
mod merged;
mod overlay;
mod pointer;
mod render;
mod resolver;
mod room;
mod secrets;
mod shadow;
mod template;
#[cfg(test)]
mod tests;
mod verify;

pub use census::Census;
pub use check::check;
pub(super) use check::{Already, Looked, check_rest, variables_of};
pub use competing::{Explained, Explanation, Layer, Role, Say};
pub use content::Content;
pub use facts::Facts;
pub use governed::Governed;
pub(crate) use resolver::setting;
pub use resolver::{Resolver, Unresolved};
pub use secrets::Secrets;

/// What is wrong with the `${…}` of a text on whichever device it is filled in: rule, message and advice.
pub(super) fn malformed(text: &str) -> Option<(&'static str, String, Option<String>)> {
    template::pieces(text).err().map(|fault| (fault.rule, fault.message, fault.help))
}
