//! Secrets that are known by what they look like.

use std::ops::RangeInclusive;

/// Texts behind which a secret stands, and what it is.
const BEHIND: [(&str, &str); 6] = [
    ("SharedAccessKey=", "a shared access key"),
    ("AccountKey=", "the key of a storage account"),
    ("SharedAccessSignature=", "a shared access signature"),
    ("SharedAccessSignature ", "a shared access signature"),
    ("&sig=", "a shared access signature"),
    ("?sig=", "a shared access signature"),
];

/// Passwords in the connection strings of databases, whatever their case.
const PASSWORDS: [&str; 2] = ["password=", "pwd="];

/// A token of a well-known service: how it begins, how long the rest is, and what it is.
struct Token(&'static str, RangeInclusive<usize>, &'static str);

const TOKENS: [Token; 12] = [
    Token("AKIA", 16..=16, "an access key id of AWS"),
    Token("ghp_", 36..=36, "a token of GitHub"),
    Token("gho_", 36..=36, "a token of GitHub"),
    Token("ghs_", 36..=36, "a token of GitHub"),
    Token("github_pat_", 60..=100, "a token of GitHub"),
    Token("glpat-", 20..=60, "a token of GitLab"),
    Token("xoxb-", 20..=200, "a token of Slack"),
    Token("xoxp-", 20..=200, "a token of Slack"),
    Token("npm_", 36..=36, "a token of npm"),
    Token("AIza", 35..=35, "a key of Google's services"),
    Token("sk_live_", 20..=100, "a key of Stripe"),
    Token("AGE-SECRET-KEY-1", 50..=70, "a private key of age"),
];

/// What stands in the text that must not.
pub(super) fn marked(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if text.contains('=') || text.contains(' ') {
        if let Some((_, what)) = BEHIND.into_iter().find(|(mark, _)| has_behind(text, mark)) {
            return Some(what);
        }
        if has_password(text) {
            return Some("a password");
        }
    }
    if text.contains("://") && has_login(text) {
        return Some("a password in an address");
    }
    words(text).find_map(|word| token(word).or_else(|| client_secret(word)).or_else(|| web_token(word)))
}

/// Whether something stands behind a mark, and not a reference to a secret.
fn has_behind(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| is_value(&text[at + mark.len()..]))
}

fn is_value(behind: &str) -> bool {
    !behind.is_empty() && !behind.starts_with("${") && !behind.starts_with([';', '&', '"', '\'', '<', '*', ' '])
}

/// `Server=…;Password=…`: one member of several.
fn has_password(text: &str) -> bool {
    let member = |part: &str| {
        let part = part.trim();
        let named = |name: &&str| part.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        PASSWORDS.iter().find(|name| named(name)).is_some_and(|name| is_value(&part[name.len()..]))
    };
    text.contains(';') && text.split(';').any(member)
}

/// `scheme://user:password@host`
fn has_login(text: &str) -> bool {
    let login = |(at, _): (usize, &str)| {
        let host = text[at + "://".len()..].split(['/', ' ', '?', '#', '\n']).next().unwrap_or_default();
        let (login, _) = host.rsplit_once('@')?;
        let (_, password) = login.split_once(':')?;
        Some(is_value(password))
    };
    text.match_indices("://").any(|found| login(found) == Some(true))
}

/// The words of a text, as tokens are written.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '~' | '.'));
    text.split(parts).filter(|word| word.len() >= 20)
}

fn token(word: &str) -> Option<&'static str> {
    let is_it = |Token(start, length, _): &&Token| {
        let rest = word.strip_prefix(start);
        rest.is_some_and(|rest| length.contains(&rest.len()) && rest.bytes().any(|b| b.is_ascii_digit() || b == b'-'))
    };
    TOKENS.iter().find(is_it).map(|Token(_, _, what)| *what)
}

/// A client secret of Entra ID: 40 characters, of which the fourth to sixth are a digit, `Q` and `~`.
fn client_secret(word: &str) -> Option<&'static str> {
    let is_it = word.len() == 40 && matches!(word.as_bytes().get(3..6), Some([b'0'..=b'9', b'Q', b'~']));
    is_it.then_some("a client secret of Entra ID")
}

/// A JSON web token: two objects in base64 and a signature.
fn web_token(word: &str) -> Option<&'static str> {
    let mut parts = word.split('.');
    let heads = parts.by_ref().take(2).filter(|part| part.starts_with("eyJ")).count();
    (heads == 2 && parts.next().is_some_and(|signature| signature.len() >= 20)).then_some("a JSON web token")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not written whole, so that no scanner takes the test for a leak.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn keys_tokens_and_passwords_are_known_by_their_marks() {
        for text in [
            joined(&["HostName=h;SharedAccessKeyName=n;SharedAccess", "Key=c2VjcmV0"]),
            joined(&["DefaultEndpointsProtocol=https;AccountName=a;Account", "Key=abc=="]),
            joined(&["BlobEndpoint=https://a;SharedAccess", "Signature=sv=2024&x=y"]),
            joined(&["https://a.blob.core.windows.net/c/x?sv=2024&s", "ig=abc"]),
            joined(&["-----BEGIN RSA PRIVATE", " KEY-----\nMII"]),
            joined(&["-----BEGIN PRIVATE", " KEY-----"]),
            joined(&["Server=db;User Id=a;Pass", "word=hunter2;"]),
            joined(&["amqps://user:hun", "ter2@broker.example:5671/v"]),
            joined(&["token ghp", "_0123456789abcdefghijABCDEFGHIJ012345"]),
            joined(&["AK", "IAIOSFODNN7EXAMPLE"]),
            joined(&["abc8", "Q~01234567890123456789012345678901-_"]),
            joined(&["eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0In0.", "dozjgNryP4J3jVmNHl0w5N"]),
        ] {
            assert!(marked(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn references_and_what_only_looks_alike_are_none() {
        for text in [
            "HostName=h;SharedAccessKey=${secret.HUB}",
            "SharedAccessKeyName=owner;SharedAccessKey=",
            "Server=db;Password=${secret.DB};",
            "Server=db;Password=<yours>;",
            "https://user:${secret.P}@host.example/",
            "https://host.example/a:b@c",
            "-----BEGIN CERTIFICATE-----\nMIIB",
            "-----BEGIN PUBLIC KEY-----",
            "https://example/x?a=b",
            "AKIA is a prefix of AWS's keys",
            "the password=policy is strict",
        ] {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
