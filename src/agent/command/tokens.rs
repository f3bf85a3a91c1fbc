//! The first of two steps: a token that says which call it is good for, and is forgotten soon.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::{agent::port::hex, component::command::Command};

/// How long a token is good for.
pub(super) const LIFE: Duration = Duration::from_mins(2);
/// Tokens at a time; the oldest gives way.
const MOST: usize = 8;

/// The tokens that were given out and not used.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Vec<Token>>);

#[derive(Debug)]
struct Token {
    command: Command,
    id: String,
    text: String,
    until: Instant,
}

impl Tokens {
    /// A new token for this call; `None` when the system has no randomness. An older one for the same call is void.
    pub(super) fn give(&self, command: Command, id: &str) -> Option<String> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        let text = hex(&bytes);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|token| (token.command, token.id.as_str()) != (command, id));
        let over = (held.len() + 1).saturating_sub(MOST);
        held.drain(..over);
        held.push(Token { command, id: id.to_owned(), text: text.clone(), until: Instant::now() + LIFE });
        Some(text)
    }

    /// Whether a token is good for this call; it is good once, and a wrong one spends the right one.
    pub(super) fn take(&self, command: Command, id: &str, text: &str) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = held.iter().position(|token| (token.command, token.id.as_str()) == (command, id)) else {
            return false;
        };
        let token = held.remove(at);
        token.until > Instant::now() && bool::from(token.text.as_bytes().ct_eq(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_once_for_its_own_call_and_for_a_while() {
        let tokens = Tokens::default();
        let token = tokens.give(Command::Wipe, "a").unwrap();
        assert!(!tokens.take(Command::FactoryReset, "a", &token) && !tokens.take(Command::Wipe, "b", &token));
        assert!(tokens.take(Command::Wipe, "a", &token));
        assert!(!tokens.take(Command::Wipe, "a", &token));
        let token = tokens.give(Command::Wipe, "a").unwrap();
        assert!(!tokens.take(Command::Wipe, "a", "00"));
        assert!(!tokens.take(Command::Wipe, "a", &token), "who guesses has one try");
        let token = tokens.give(Command::Wipe, "a").unwrap();
        tokio::time::advance(LIFE).await;
        assert!(!tokens.take(Command::Wipe, "a", &token));
    }
}
