//! Secrets that are known by having no order in them.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

/// Keys and tokens are at least so long: 24 bytes in base64.
const SHORTEST: usize = 32;
/// What is longer is a file or a certificate.
const LONGEST: usize = 512;
/// Bits of information in a character, from which a text counts as random. Words and paths have 3.5 to 4.5; a key in
/// base64 has 4.6 at 32 characters, and more in longer ones.
const ENTROPY: f64 = 4.2;
/// Of a hundred neighbours, how many are of two kinds (capitals, small letters, digits). In a key in base64 there are
/// 62 on average; words joined by capitals have less than half of that.
const CHANGES: usize = 42;
/// Keys with such a word hold what is random and no secret.
const HARMLESS: [&str; 15] = [
    "sha",
    "hash",
    "digest",
    "sum",
    "print",
    "cert",
    "public",
    "integrity",
    "etag",
    "signature",
    "nonce",
    "uuid",
    "guid",
    "revision",
    "commit",
];

/// Whether a text holds a key or token, by its look. Hexadecimal texts are hashes, thumbprints and UUIDs; base64 that
/// begins like a certificate is one, and base64 of a text is a text.
pub(super) fn is_random(key: &str, text: &str) -> bool {
    text.len() >= SHORTEST
        && !is_public(text)
        && words(text).any(|word| (SHORTEST..=LONGEST).contains(&word.len()) && is_mixed(word) && looks_random(word))
        && !is_harmless(key)
}

/// Public keys and certificates in the forms in which they are passed on.
fn is_public(text: &str) -> bool {
    let text = text.trim_start();
    ["ssh-", "ecdsa-", "sk-ssh-", "sha256-", "sha384-", "sha512-"].iter().any(|start| text.starts_with(start))
        || (text.contains("-----BEGIN ") && !text.contains("PRIVATE KEY"))
}

fn is_harmless(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    HARMLESS.iter().any(|word| key.contains(word))
}

/// The words of a text in the letters of base64. In an address or a path, `/` parts them; a key that begins with one is
/// taken for a path unless it ends like a key.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_rooted = text.starts_with(['/', '.', '~']) && !text.ends_with('=');
    let is_path = is_rooted || text.contains("://") || text.contains(":\\");
    text.split(move |c: char| {
        let is_letter = c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_' | '-') || (c == '/' && !is_path);
        !is_letter
    })
}

/// Capitals, small letters and digits, some of each: a hash in base 16 or base 32 has not all, a name seldom.
fn is_mixed(word: &str) -> bool {
    let count = |is: fn(&u8) -> bool| word.bytes().filter(is).count();
    count(u8::is_ascii_uppercase) >= 3 && count(u8::is_ascii_lowercase) >= 3 && count(u8::is_ascii_digit) >= 2
}

fn looks_random(word: &str) -> bool {
    changes(word) * 100 >= CHANGES * word.len() && entropy(word) >= ENTROPY && !is_known(word)
}

/// How often a letter is followed by one of another kind.
fn changes(word: &str) -> usize {
    let kind = |b: u8| (b.is_ascii_uppercase(), b.is_ascii_lowercase(), b.is_ascii_digit());
    word.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count()
}

/// Shannon's, in bits a character.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u16; 128];
    word.bytes().for_each(|b| counts[usize::from(b & 127)] += 1);
    let length = f64::from(u16::try_from(word.len()).unwrap_or(u16::MAX));
    let share = |count: &u16| f64::from(*count) / length;
    -counts.iter().filter(|count| **count > 0).map(share).map(|share| share * share.log2()).sum::<f64>()
}

/// What base64 says when it is taken apart: a certificate (a sequence in a sequence), or a text.
fn is_known(word: &str) -> bool {
    let body = word.trim_end_matches('=');
    // A cut that is no multiple of four characters would leave half a byte.
    let whole = body.len() / 4 * 4;
    let Ok(bytes) = BASE64_STANDARD_NO_PAD.decode(&body[..whole]) else { return false };
    let is_certificate = matches!(bytes.as_slice(), [0x30, 0x82, _, _, 0x30, ..]);
    let readable = bytes.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count();
    is_certificate || readable * 10 >= bytes.len() * 9
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_random_and_no_secret_is_let_pass() {
        let certificate =
            format!("MIID{}", "ezCCAmOgAwIBAgIUX9k3vJm7Qp2LrT5wYhN8cZfGq1sB4xAoKdR6uVtEyHnPjWiSlMaUbCzDeFg0");
        let text = BASE64_STANDARD.encode("The quick brown fox jumps over the lazy dog, and then once more.");
        for (key, word) in [
            ("id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
            ("x", "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"),
            ("x", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            ("x", "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"),
            ("sha256", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="),
            ("x", "sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="),
            ("x", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9b0Zk3vQm7Lp2TrYw5hN8cZfGq1sB4xAoKdR6uVtEy"),
            ("x", &certificate),
            ("x", &text),
            ("x", "https://content.contoso.example/Oslo/Fjord2024/playlists/Summer/v12/index.json"),
            ("x", "/usr/lib/x86_64-linux-gnu/libQt5Core5Compat.so.5.15.3.debugSymbols"),
            ("x", "C:\\ProgramData\\Contoso\\Kiosk2024\\Settings\\AppConfiguration7.json"),
            ("x", "Contoso.Line_8wekyb3d8bbwe!App.WindowsUniversalApplication2024"),
            ("x", "W. Europe Standard Time and Central European Daylight Saving Time 2024"),
            ("x", "windowsUpdatePolicyAllowAutomaticUpdatesDuringActiveHours2024"),
        ] {
            assert!(!is_random(key, word), "{word} {}", entropy(word));
        }
    }

    proptest! {
        #[test]
        fn keys_in_base64_are_found(bytes in prop::collection::vec(any::<u8>(), 32..=64)) {
            let key = BASE64_STANDARD.encode(&bytes);
            prop_assume!(looks_random(&key) && is_mixed(&key) && !key.starts_with('/'));
            prop_assert!(is_random("uplink", &key));
            let told = format!("key {key} of the hub");
            prop_assert!(is_random("uplink", &told));
        }

        #[test]
        fn hexadecimal_texts_never_are(bytes in prop::collection::vec(any::<u8>(), 0..=80)) {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let text: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
            prop_assert!(!is_random("uplink", &text) && !is_random("uplink", &text.to_uppercase()));
        }
    }

    #[test]
    fn nearly_all_keys_of_a_hub_are_found() {
        let mut numbers = fastrand::Rng::with_seed(7);
        let missed = (0..1000).filter(|_| {
            let bytes: [u8; 32] = std::array::from_fn(|_| numbers.u8(..));
            !is_random("uplink", &BASE64_STANDARD.encode(bytes))
        });
        assert!(missed.count() < 20);
    }
}
