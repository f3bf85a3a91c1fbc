//! HTTP to a forge: who asks, how patient, and what an answer means.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::{
    Certificate, Client, Method, Response, Url,
    header::{HeaderMap, HeaderName, HeaderValue, LINK, RETRY_AFTER},
    redirect,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ForgeError, Place, Service, Token};
use crate::task::Backoff;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long a request may take.
const REQUEST: Duration = Duration::from_mins(1);
/// How often a request that broke off is sent.
const TRIES: u32 = 4;
/// How long a forge that asks for patience is waited for in all: a job has an end.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long, when it asks for patience and does not say how much: what GitHub advises.
const UNSAID: Duration = Duration::from_mins(1);
/// Bytes of an answer, at most: a page of the longest comments.
const LARGEST: usize = 64 << 20;
/// Pages of a list, at most.
const PAGES: usize = 200;
/// Characters of what a forge says that are passed on.
const SAID: usize = 300;

/// Connections to one forge.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    base: Url,
    graphql: Option<Url>,
    token: Token,
    authorization: (HeaderName, HeaderValue),
    service: Service,
}

/// An answer that is none of failure.
pub(super) struct Answer {
    pub(super) body: Value,
    /// The address of the next page.
    next: Option<Url>,
}

/// What to do about an answer.
enum Verdict {
    Taken,
    /// Ask again after this long.
    Wait(Duration),
    /// It broke off, or the forge did.
    Again(ForgeError),
    Failed(ForgeError),
}

impl Http {
    pub(super) fn new(place: &Place) -> Result<Self, ForgeError> {
        let token = place.token()?.clone();
        let unfit = ForgeError::NoToken { service: place.service, remedy: place.service.token_help() };
        let authorization = token.header().ok_or(unfit)?;
        let graphql = if place.graphql.is_empty() { None } else { Some(address(&place.graphql)?) };
        let base = address(&format!("{}/", place.api.trim_end_matches('/')))?;
        Ok(Self {
            client: client(place.ca.as_deref(), is_local(&base))?,
            base,
            graphql,
            token,
            authorization,
            service: place.service,
        })
    }

    /// Reads something.
    pub(super) async fn get(&self, doing: &'static str, path: &str) -> Result<Value, ForgeError> {
        Ok(self.send(doing, Method::GET, self.at(path)?, None).await?.body)
    }

    /// Writes something.
    pub(super) async fn write(
        &self,
        doing: &'static str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, ForgeError> {
        Ok(self.send(doing, method, self.at(path)?, Some(body)).await?.body)
    }

    /// Deletes something, which may be gone already.
    pub(super) async fn delete(&self, doing: &'static str, path: &str) -> Result<(), ForgeError> {
        match self.send(doing, Method::DELETE, self.at(path)?, None).await {
            Ok(_) | Err(ForgeError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks in GraphQL; what is below `data`.
    pub(super) async fn graphql(&self, doing: &'static str, query: &Value) -> Result<Value, ForgeError> {
        let url = self.graphql.clone().ok_or(ForgeError::NotFound { service: self.service, doing })?;
        let mut body = self.send(doing, Method::POST, url, Some(query)).await?.body;
        // It answers 200 whatever became of it.
        if let Some(said) = body.pointer("/errors/0/message").and_then(Value::as_str) {
            let said = self.words(said);
            return Err(ForgeError::Refused { service: self.service, doing, status: 200, said });
        }
        Ok(body["data"].take())
    }

    /// Reads a list page by page.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: &str,
        take: &mut dyn FnMut(T),
    ) -> Result<(), ForgeError> {
        let mut next = Some(self.at(path)?);
        for _ in 0..PAGES {
            let Some(url) = next else { return Ok(()) };
            let answer = self.send(doing, Method::GET, url, None).await?;
            let items: Vec<T> = self.read(doing, answer.body)?;
            items.into_iter().for_each(&mut *take);
            next = answer.next;
        }
        Ok(())
    }

    /// A part of an answer as what it should be.
    pub(super) fn read<T: DeserializeOwned>(&self, doing: &'static str, body: Value) -> Result<T, ForgeError> {
        let service = self.service;
        serde_json::from_value(body).map_err(|cause| ForgeError::Answer { service, doing, cause: cause.into() })
    }

    fn at(&self, path: &str) -> Result<Url, ForgeError> {
        self.base.join(path).map_err(|_| ForgeError::Address(path.to_owned()))
    }

    /// Sends a request until it is taken, or there is no more patience. What is written twice because an answer was
    /// lost is found by whoever keeps it.
    async fn send(
        &self,
        doing: &'static str,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, ForgeError> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(8));
        let mut waited = Duration::ZERO;
        loop {
            let (verdict, answer) = self.once(doing, &method, &url, body).await;
            let wait = match verdict {
                Verdict::Taken => return Ok(answer),
                Verdict::Failed(error) => return Err(error),
                Verdict::Again(error) if backoff.attempts() + 1 >= TRIES => return Err(error),
                Verdict::Again(_) => backoff.next_wait(),
                Verdict::Wait(wait) if waited + wait > PATIENCE => {
                    return Err(ForgeError::Limited { service: self.service, wait });
                }
                Verdict::Wait(wait) => {
                    waited += wait.max(Duration::from_secs(1));
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, doing: &'static str, method: &Method, url: &Url, body: Option<&Value>) -> (Verdict, Answer) {
        let nothing = Answer { body: Value::Null, next: None };
        let mut request = self.client.request(method.clone(), url.clone());
        request = request.header(self.authorization.0.clone(), self.authorization.1.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return (Verdict::Again(self.unreachable(error)), nothing),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = match bounded(response).await {
            Ok(text) => text,
            Err(error) => return (Verdict::Again(self.unreachable(error)), nothing),
        };
        let verdict = self.judge(doing, status, &headers, &text);
        if !matches!(verdict, Verdict::Taken) {
            return (verdict, nothing);
        }
        let parsed = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&text) };
        match parsed {
            Ok(body) => (Verdict::Taken, Answer { body, next: next_page(&headers, url) }),
            Err(cause) => {
                let error = ForgeError::Answer { service: self.service, doing, cause: cause.into() };
                (Verdict::Failed(error), nothing)
            }
        }
    }

    fn judge(&self, doing: &'static str, status: u16, headers: &HeaderMap, text: &[u8]) -> Verdict {
        let service = self.service;
        let said = || self.words(&message(text));
        match status {
            // Azure DevOps sends whoever it does not know to a page to sign in.
            203 | 302 | 401 => Verdict::Failed(ForgeError::Token { service, host: self.host() }),
            200..=299 => Verdict::Taken,
            403 | 429 => match asks_to_wait(status, headers, text) {
                Some(wait) => Verdict::Wait(wait),
                None => Verdict::Failed(ForgeError::Forbidden { service, doing, said: said() }),
            },
            404 | 410 => Verdict::Failed(ForgeError::NotFound { service, doing }),
            500..=599 => Verdict::Again(ForgeError::Refused { service, doing, status, said: said() }),
            _ if is_about_length(text) => Verdict::Failed(ForgeError::TooLong { service, said: said() }),
            _ => Verdict::Failed(ForgeError::Refused { service, doing, status, said: said() }),
        }
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    fn unreachable(&self, error: reqwest::Error) -> ForgeError {
        ForgeError::Unreachable { service: self.service, host: self.host(), cause: error.without_url().into() }
    }

    /// What a forge says, short and without the token.
    fn words(&self, said: &str) -> String {
        self.token.conceal(said).chars().take(SAID).collect()
    }
}

/// The address of an API. Over plain HTTP a token is for everybody to read, but on this machine.
fn address(text: &str) -> Result<Url, ForgeError> {
    let none = || ForgeError::Address(text.to_owned());
    let url = Url::parse(text.trim()).map_err(|_| none())?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local(&url));
    // A name and a password in it would be shown in messages.
    if is_safe && url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(none()) }
}

/// Whether it is on this machine.
fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// `direct`: never through a proxy.
fn client(ca: Option<&Path>, direct: bool) -> Result<Client, ForgeError> {
    // Fails when another part of the program has chosen already: then that choice stands.
    let _first_choice_stands = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("twinops/", env!("CARGO_PKG_VERSION")))
        .timeout(REQUEST)
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .referer(false);
    if direct {
        builder = builder.no_proxy();
    }
    if let Some(path) = ca {
        let failed = |cause| ForgeError::File { path: path.display().to_string(), cause };
        let pem = std::fs::read(path).map_err(|cause| failed(cause.into()))?;
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(&pem).map_err(|cause| failed(cause.into()))?);
    }
    builder.build().map_err(|error| ForgeError::Client(Box::new(error)))
}

/// The body of an answer. What is longer than any answer is not read to its end.
async fn bounded(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if all.len() + chunk.len() > LARGEST {
            break;
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// How long a forge asks to wait; `None` when it refuses for another reason.
fn asks_to_wait(status: u16, headers: &HeaderMap, text: &[u8]) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        return Some(number("x-ratelimit-reset").map_or(UNSAID, |at| Duration::from_secs(at.saturating_sub(now))));
    }
    let is_secondary = String::from_utf8_lossy(text).to_ascii_lowercase().contains("secondary rate limit");
    (status == 429 || is_secondary).then_some(UNSAID)
}

/// The next page, if it is on the same forge: nobody else gets the token.
fn next_page(headers: &HeaderMap, here: &Url) -> Option<Url> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let url = Url::parse(next.trim().strip_prefix('<')?.split('>').next()?).ok()?;
    (url.origin() == here.origin()).then_some(url)
}

/// What a forge says is wrong, in the words of each of them.
fn message(text: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<Value>(text) else { return "no reason is given".to_owned() };
    let told = body.get("message").or_else(|| body.get("error"));
    let told = match told {
        Some(Value::String(said)) => said.clone(),
        Some(other) => other.to_string(),
        None => "no reason is given".to_owned(),
    };
    match body.pointer("/errors/0/message").and_then(Value::as_str) {
        Some(detail) => format!("{told}: {detail}"),
        None => told,
    }
}

fn is_about_length(text: &[u8]) -> bool {
    let said = message(text).to_ascii_lowercase();
    ["too long", "too large", "maximum length", "exceeds the maximum"].iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_out_over_tls_only_but_on_this_machine() {
        for good in ["https://api.github.com/", "http://127.0.0.1:80/", "http://[::1]:80/", "http://localhost/x/"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["http://gitlab.contoso.example/", "ftp://localhost/", "https://me:secret@host/", "here"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_forge() {
        let here = Url::parse("https://api.github.com/a").unwrap();
        let next = |link: &'static str| {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(link))]);
            next_page(&headers, &here).map(String::from)
        };
        let links = "<https://api.github.com/a?page=1>; rel=\"prev\", <https://api.github.com/a?page=3>; rel=\"next\"";
        assert_eq!(next(links).as_deref(), Some("https://api.github.com/a?page=3"));
        assert_eq!(next("<https://evil.example/a>; rel=\"next\""), None);
        assert_eq!(next("<https://api.github.com/a>; rel=\"last\""), None);
    }

    #[test]
    fn a_limit_is_told_from_a_refusal() {
        let none = HeaderMap::new();
        assert_eq!(asks_to_wait(403, &none, b"{\"message\":\"Resource not accessible by integration\"}"), None);
        assert_eq!(asks_to_wait(403, &none, b"You have exceeded a secondary rate limit"), Some(UNSAID));
        assert_eq!(asks_to_wait(429, &none, b""), Some(UNSAID));
        let after = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
        assert_eq!(asks_to_wait(429, &after, b""), Some(Duration::from_secs(7)));
        let reset = HeaderMap::from_iter([
            (HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from_static("0")),
            (HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from_static("1")),
        ]);
        assert_eq!(asks_to_wait(403, &reset, b""), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_wrong_is_said_in_the_forges_own_words() {
        let github = br#"{"message":"Validation Failed","errors":[{"message":"body is too long (maximum is 65536 characters)"}]}"#;
        assert_eq!(message(github), "Validation Failed: body is too long (maximum is 65536 characters)");
        assert!(is_about_length(github));
        assert_eq!(message(br#"{"message":{"note":["is too long"]}}"#), r#"{"note":["is too long"]}"#);
        assert_eq!(message(b"<html>"), "no reason is given");
    }
}
