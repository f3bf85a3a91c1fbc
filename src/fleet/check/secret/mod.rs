//! `clear-text-secret`, `possible-secret`: what must not stand in git.

mod marks;
mod random;

use super::texts::Way;
use crate::fleet::{finding::Finding, site::Site};

/// Keys that are called like a secret, without `-` and `_`.
const KEYS: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "psk",
    "presharedkey",
    "privatekey",
    "secret",
    "clientsecret",
    "sharedsecret",
    "accesskey",
    "accountkey",
    "apikey",
    "apitoken",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "refreshtoken",
];
/// The shortest text that is looked into.
const SHORTEST: usize = 12;
const HELP: &str = "take it out of git's history and renew it; write `${secret.NAME}` here";

/// One text, and the key that it stands at. The text itself is never repeated.
pub(super) fn check(site: Site<'_>, way: &Way<'_>, key: &str, text: &str, findings: &mut Vec<Finding>) {
    let finding = if let Some(what) = Some(text).filter(|text| text.len() >= SHORTEST).and_then(marks::marked) {
        Finding::error("clear-text-secret", format!("{what} stands here in clear text"))
    } else if is_called_secret(key) && !text.is_empty() && !text.contains("${") {
        Finding::warning("possible-secret", format!("`{key}` looks like a secret in clear text"))
    } else if random::is_random(key, text) {
        Finding::warning("possible-secret", format!("the text of `{key}` looks like a key or a token"))
    } else {
        return;
    };
    findings.push(finding.at(site.key(way.pointer())).help(HELP).hidden());
}

fn is_called_secret(key: &str) -> bool {
    let letters = || key.bytes().filter(|b| !matches!(b, b'-' | b'_'));
    KEYS.iter().any(|name| letters().map(|b| b.to_ascii_lowercase()).eq(name.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_however_their_words_are_joined() {
        for key in ["password", "clientSecret", "client_secret", "API-KEY", "PreSharedKey"] {
            assert!(is_called_secret(key), "{key}");
        }
        for key in ["passwordPolicy", "secretRef", "keyboard", "publicKey", "tokenLifetime", ""] {
            assert!(!is_called_secret(key), "{key}");
        }
    }
}
