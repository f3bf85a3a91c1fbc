//! What proves to a forge who is asking. Never printed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

/// How a token is shown to a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`, without a name: personal access tokens of Azure DevOps.
    Basic,
    /// `PRIVATE-TOKEN`, GitLab's own.
    Private,
}

/// A token. Its text is shown to the forge alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    scheme: Scheme,
}

impl Token {
    pub(super) fn new(text: &str, scheme: Scheme) -> Option<Self> {
        let text = text.trim();
        // A macro of Azure Pipelines that stands for nothing is left as it is.
        let is_one = !text.is_empty() && !text.starts_with("$(");
        is_one.then(|| Self { text: text.to_owned(), scheme })
    }

    /// The header that carries it; `None` when the text cannot stand in one.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, text) = match self.scheme {
            Scheme::Bearer => (AUTHORIZATION, format!("Bearer {}", self.text)),
            Scheme::Basic => (AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!(":{}", self.text)))),
            Scheme::Private => (HeaderName::from_static("private-token"), self.text.clone()),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    /// A text from elsewhere, in which the token does not stand.
    pub(super) fn conceal(&self, text: &str) -> String {
        text.replace(&self.text, "(token)")
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new(" s3cr3t\n", Scheme::Private).unwrap();
        assert_eq!(format!("{token:?} {:?}", token.header()), "Token(…) Some((\"private-token\", Sensitive))");
        assert_eq!(token.conceal("bad token s3cr3t"), "bad token (token)");
    }

    #[test]
    fn a_macro_that_nobody_filled_in_is_no_token() {
        assert_eq!(Token::new("$(System.AccessToken)", Scheme::Bearer), None);
        assert_eq!(Token::new("  ", Scheme::Bearer), None);
    }
}
