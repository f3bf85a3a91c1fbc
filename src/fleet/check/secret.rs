//! `clear-text-secret`: what must not stand in git.

use super::texts::Way;
use crate::fleet::{finding::Finding, site::Site};

/// Texts behind which a secret stands, and what it is.
const MARKS: [(&str, &str); 5] = [
    ("SharedAccessKey=", "a shared access key"),
    ("AccountKey=", "the key of a storage account"),
    ("SharedAccessSignature ", "a shared access signature"),
    ("&sig=", "a shared access signature"),
    ("?sig=", "a shared access signature"),
];
/// Keys that are called like a secret.
const KEYS: [&str; 9] =
    ["password", "passwd", "passphrase", "psk", "presharedkey", "privatekey", "secret", "clientsecret", "accesskey"];
/// The shortest text that a mark is looked for in.
const SHORTEST: usize = 12;

/// One text, and the key that it stands at. The text itself is never repeated.
pub(super) fn check(site: Site<'_>, way: &Way<'_>, key: &str, text: &str, findings: &mut Vec<Finding>) {
    let help = "take it out of git's history and renew it; write `${secret.NAME}` here";
    if let Some(what) = marked(text) {
        let finding = Finding::error("clear-text-secret", format!("{what} stands here in clear text"));
        findings.push(finding.at(site.key(way.pointer())).help(help).hidden());
    } else if is_called_secret(key) && !text.is_empty() && !text.contains("${") {
        let finding = Finding::warning("clear-text-secret", format!("`{key}` looks like a secret in clear text"));
        findings.push(finding.at(site.key(way.pointer())).help(help).hidden());
    }
}

fn marked(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST {
        return None;
    }
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if !text.contains(['=', ' ']) {
        return None;
    }
    let stands = |mark: &str| text.match_indices(mark).any(|(at, _)| !text[at + mark.len()..].starts_with("${"));
    MARKS.into_iter().find(|(mark, _)| stands(mark)).map(|(_, what)| what)
}

fn is_called_secret(key: &str) -> bool {
    KEYS.iter().any(|name| name.eq_ignore_ascii_case(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_signatures_are_known_by_their_marks() {
        for text in [
            "HostName=h;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==",
            "https://a.blob.core.windows.net/c/x?sv=2024&sig=abc",
            "-----BEGIN RSA PRIVATE KEY-----\nMII",
        ] {
            assert!(marked(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_reference_to_a_secret_is_none() {
        for text in ["HostName=h;SharedAccessKey=${secret.HUB}", "-----BEGIN CERTIFICATE-----", "https://example/x?a=b"]
        {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
