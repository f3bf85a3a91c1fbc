//! What the device's own configuration lets be called.

use std::collections::BTreeSet;

use super::{Offers, old};
use crate::{agent::resource::Platform, component::command::Command};

/// The word that takes away what is allowed by itself.
const NONE: &str = "none";

/// Which methods may be called. By itself: every command that destroys nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    named: BTreeSet<String>,
    /// Only what is named.
    bare: bool,
}

/// Why a method cannot be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no method `{0}` that could be allowed; see docs/agent.md, or write `none` to allow none by itself")]
pub struct UnknownMethod(String);

impl Allow {
    /// Besides what is allowed by itself, or instead of it after the word `none`.
    ///
    /// # Errors
    /// When a name is no method's.
    pub fn these<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Result<Self, UnknownMethod> {
        let mut allow = Self::default();
        for word in words {
            let word = word.as_ref();
            match Command::find(word) {
                _ if word == NONE => allow.bare = true,
                Some(command) => _ = allow.named.insert(command.name().to_owned()),
                None if old::is_known(word) => _ = allow.named.insert(word.to_owned()),
                None => return Err(UnknownMethod(word.to_owned())),
            }
        }
        Ok(allow)
    }

    /// Whether a command may be called by its own name.
    pub(crate) fn command(&self, command: Command) -> bool {
        self.named.contains(command.name()) || (!self.bare && !command.destroys())
    }

    /// Whether it may be called by a name of the Windows IoT client. That has no second step, so that what destroys
    /// has to be allowed by that very name.
    pub(crate) fn old(&self, name: &str, command: Command) -> bool {
        self.named.contains(name) || (self.command(command) && !command.destroys())
    }
}

impl Offers {
    /// What a device with this configuration says of its commands.
    pub(crate) fn of<P: Platform>(allow: &Allow, platform: &P) -> Self {
        let mut offers = Self::default();
        for command in Command::ALL {
            let list = match platform.lacks(command) {
                Some(_) => &mut offers.unsupported,
                None if allow.command(command) => &mut offers.allowed,
                None => &mut offers.not_allowed,
            };
            list.push(command.name());
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_destroys_is_never_allowed_by_itself_and_the_rest_can_be_taken_away() {
        let allow = |words: &[&str]| Allow::these(words).unwrap();
        let usual = allow(&[]);
        for command in Command::ALL {
            assert_eq!(usual.command(command), !command.destroys(), "{}", command.name());
            assert!(!allow(&["none"]).command(command));
        }
        assert!(allow(&["wipe"]).command(Command::Wipe) && !allow(&["wipe"]).command(Command::FactoryReset));
        assert!(allow(&["none", "apps*start"]).command(Command::AppsStart));
        assert!(Allow::these(["explode"]).is_err());
    }

    #[test]
    fn a_name_without_a_second_step_is_allowed_for_itself() {
        let wipe = "windows.startRemoteWipeAsync";
        assert!(!Allow::these(["wipe"]).unwrap().old(wipe, Command::Wipe));
        assert!(Allow::these([wipe]).unwrap().old(wipe, Command::Wipe));
        assert!(!Allow::these([wipe]).unwrap().command(Command::Wipe));
        assert!(Allow::default().old("windows.rebootAsync", Command::Reboot));
    }
}
