//! A forge in this process, on a real socket: it holds requests to what the forges publish, to their limits and to the
//! rights of the token, and remembers what it was told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, mpsc},
    thread,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State as Shared},
    http::{Response, StatusCode},
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use twinops::forge::{Forge, Place, Service, Wishes};

use crate::{azure, github, gitlab};

pub(crate) const TOKEN: &str = "t0ken-that-nobody-may-see";
pub(crate) const ME: &str = "twinops-bot";
pub(crate) const PULL: u64 = 7;
pub(crate) const MERGED_AT: &str = "2126-01-01T00:00:00Z";

/// A comment, an issue or a pull request, whichever forge it is on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) author: String,
    pub(crate) editor: Option<String>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) branch: String,
    pub(crate) into: String,
    pub(crate) open: bool,
    /// By which commit, and when.
    pub(crate) merged: Option<(String, String)>,
    pub(crate) written: String,
}

/// What goes wrong once: with the next request whose method and path hold these words.
pub(crate) struct Fault {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
    /// What happens on the forge at that moment.
    pub(crate) then: Option<fn(&mut State)>,
}

impl Fault {
    pub(crate) const fn new(method: &'static str, path: &'static str, status: u16, body: &'static str) -> Self {
        Self { method, path, status, headers: Vec::new(), body, then: None }
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) comments: Vec<Item>,
    pub(crate) issues: Vec<Item>,
    pub(crate) pulls: Vec<Item>,
    pub(crate) statuses: Vec<Value>,
    pub(crate) checks: Vec<Value>,
    pub(crate) requests: Vec<String>,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) read_only: bool,
    pub(crate) revoked: bool,
    wrong: Vec<String>,
    last: u64,
}

impl State {
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        100 + self.last
    }

    /// Somebody writes a comment.
    pub(crate) fn comment(&mut self, author: &str, body: &str) {
        let number = self.next();
        let written = "2026-01-01T00:00:00Z".to_owned();
        self.comments.push(Item { number, author: author.into(), body: body.into(), written, ..Item::default() });
    }

    /// Somebody merges the pull request.
    pub(crate) fn merge(&mut self, commit: &str, at: &str) {
        let merged = Some((commit.to_owned(), at.to_owned()));
        self.pulls.push(Item { number: PULL, merged, ..Item::default() });
    }

    pub(crate) fn comment_of(&mut self, number: u64) -> Option<&mut Item> {
        self.comments.iter_mut().find(|comment| comment.number == number)
    }
}

/// One request, as an answer is made of it.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Decoded, without the empty one in front.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: &'a Value,
    pub(crate) url: &'a str,
}

impl Asked<'_> {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }

    /// One page of a list, and the link to the next.
    pub(crate) fn page(&self, all: Vec<Value>) -> Answer {
        let number = |name, usual| self.query(name).map_or(usual, |text| text.parse::<usize>().unwrap());
        let (size, page) = (number("per_page", 30), number("page", 1));
        let rest: Vec<String> =
            self.query.iter().filter(|(key, _)| key != "page").map(|(key, value)| format!("{key}={value}")).collect();
        let link = (all.len() > size * page)
            .then(|| format!("<{}?{}&page={}>; rel=\"next\"", self.url, rest.join("&"), page + 1));
        let items: Vec<Value> = all.into_iter().skip(size * (page - 1)).take(size).collect();
        Answer { status: 200, body: json!(items), link }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) link: Option<String>,
}

impl Answer {
    pub(crate) const fn new(status: u16, body: Value) -> Self {
        Self { status, body, link: None }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, json!({ "message": "Not Found" }))
    }
}

#[derive(Deserialize)]
struct Operation {
    method: String,
    path: String,
    query: Vec<String>,
    body: Option<Value>,
}

/// The forge. What was wrong with requests fails the test in the end.
pub(crate) struct Fake {
    pub(crate) service: Service,
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct Setup {
    service: Service,
    operations: Vec<Operation>,
    state: Arc<Mutex<State>>,
    url: String,
}

impl Fake {
    pub(crate) fn start(service: Service) -> Self {
        let published = match service {
            Service::GitHub => include_str!("openapi/github.json"),
            Service::GitLab => include_str!("openapi/gitlab.json"),
            Service::Azure => include_str!("openapi/azure.json"),
        };
        let operations = serde_json::from_str(published).unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (to, address) = mpsc::channel();
        let shared = Arc::clone(&state);
        // Tests block while a command runs; the forge has a thread of its own, which ends with the process.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                to.send(url.clone()).unwrap();
                let setup = Arc::new(Setup { service, operations, state: shared, url });
                axum::serve(listener, Router::new().fallback(handle).with_state(setup)).await.unwrap();
            });
        });
        Self { service, url: address.recv().unwrap(), state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What a job of its CI has in its environment, for a pull request.
    pub(crate) fn variables(&self, run: u64) -> Vec<(&'static str, String)> {
        let (url, run, pull) = (self.url.clone(), run.to_string(), PULL.to_string());
        match self.service {
            Service::GitHub => vec![
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_API_URL", url.clone()),
                ("GITHUB_GRAPHQL_URL", format!("{url}/graphql")),
                ("GITHUB_SERVER_URL", url),
                ("GITHUB_REPOSITORY", "iot/kiosks".to_owned()),
                ("GITHUB_REF", format!("refs/pull/{pull}/merge")),
                ("GITHUB_SHA", "cafe".to_owned()),
                ("GITHUB_RUN_ID", run),
                ("GITHUB_TOKEN", TOKEN.to_owned()),
            ],
            Service::GitLab => vec![
                ("GITLAB_CI", "true".to_owned()),
                ("CI_API_V4_URL", url.clone()),
                ("CI_API_GRAPHQL_URL", format!("{url}/graphql")),
                ("CI_MERGE_REQUEST_PROJECT_ID", "5".to_owned()),
                ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "5".to_owned()),
                ("CI_MERGE_REQUEST_IID", pull),
                ("CI_COMMIT_SHA", "cafe".to_owned()),
                ("CI_PIPELINE_ID", run),
                ("GITLAB_TOKEN", TOKEN.to_owned()),
            ],
            Service::Azure => vec![
                ("TF_BUILD", "True".to_owned()),
                ("BUILD_REPOSITORY_PROVIDER", "TfsGit".to_owned()),
                ("SYSTEM_COLLECTIONURI", format!("{url}/")),
                ("SYSTEM_TEAMPROJECT", "our fleet".to_owned()),
                ("BUILD_REPOSITORY_NAME", "kiosks".to_owned()),
                ("SYSTEM_PULLREQUEST_PULLREQUESTID", pull),
                ("BUILD_SOURCEVERSION", "cafe".to_owned()),
                ("BUILD_BUILDID", run),
                ("SYSTEM_ACCESSTOKEN", TOKEN.to_owned()),
            ],
        }
    }

    /// A client of it, as a job has one.
    pub(crate) fn forge(&self) -> Forge {
        let variables = self.variables(1);
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        Forge::connect(&Place::find(&find, Wishes::default()).unwrap()).unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if !thread::panicking() {
            let state = self.state();
            assert_eq!(state.wrong, Vec::<String>::new(), "requests that {} does not take", self.service);
            assert!(state.faults.is_empty(), "a fault did not come about");
        }
    }
}

async fn handle(Shared(setup): Shared<Arc<Setup>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let (method, whole) = (parts.method.as_str(), parts.uri.path());
    let query = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked = Asked {
        method,
        path: whole.split('/').skip(1).map(decoded).collect(),
        query: query.map(|(key, value)| (decoded(key), decoded(value))).collect(),
        body: &body,
        url: &format!("{}{whole}", setup.url),
    };
    let mut state = setup.state.lock().unwrap();
    state.requests.push(format!("{method} {whole}"));
    if let Some(wrong) = setup.unpublished(&asked) {
        state.wrong.push(wrong);
    }
    let is_meant = |fault: &Fault| method == fault.method && whole.contains(fault.path);
    if state.faults.front().is_some_and(is_meant) {
        let fault = state.faults.pop_front().unwrap();
        if let Some(then) = fault.then {
            then(&mut state);
        }
        // A fault of 200 only lets something happen.
        if fault.status != 200 {
            let start = Response::builder().status(fault.status);
            let made = fault.headers.into_iter().fold(start, |made, (name, value)| made.header(name, value));
            return made.body(Body::from(fault.body)).unwrap();
        }
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let shown = header("private-token").or_else(|| header("authorization")?.strip_prefix("Bearer "));
    let answer = if shown != Some(TOKEN) || state.revoked {
        match setup.service {
            Service::Azure => Answer::new(203, json!("<html>Sign in</html>")),
            _ => Answer::new(401, json!({ "message": "Bad credentials" })),
        }
    } else if state.read_only && method != "GET" && !whole.ends_with("graphql") {
        Answer::new(403, json!({ "message": "Resource not accessible by integration" }))
    } else {
        match setup.service {
            Service::GitHub => github::answer(&asked, &mut state),
            Service::GitLab => gitlab::answer(&asked, &mut state),
            Service::Azure => azure::answer(&asked, &mut state),
        }
    };
    drop(state);
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    if let Some(link) = answer.link {
        response = response.header("link", link);
    }
    let text = if answer.body.is_null() { String::new() } else { answer.body.to_string() };
    response.body(Body::from(text)).unwrap()
}

impl Setup {
    /// What is wrong with a request by what the forge publishes.
    fn unpublished(&self, asked: &Asked<'_>) -> Option<String> {
        let shown = format!("{} /{}", asked.method, asked.path.join("/"));
        if asked.path == ["graphql"] {
            let is_query = asked.body["query"].is_string();
            return (!is_query).then(|| format!("{shown}: no query"));
        }
        let is_it = |operation: &&Operation| operation.method == asked.method && fits(&operation.path, &asked.path);
        let Some(operation) = self.operations.iter().find(is_it) else {
            return Some(format!("{shown}: not published"));
        };
        if let Some((name, _)) = asked.query.iter().find(|(name, _)| !operation.query.contains(name)) {
            return Some(format!("{shown}: no parameter `{name}`"));
        }
        let Some(schema) = &operation.body else {
            return (!asked.body.is_null()).then(|| format!("{shown}: takes no body"));
        };
        let error = jsonschema::validator_for(schema).unwrap().iter_errors(asked.body).next().map(|e| e.to_string());
        let named = |name: &&String| schema["properties"].get(name.as_str()).is_none();
        let unknown = asked.body.as_object()?.keys().find(named).map(|name| format!("no member `{name}`"));
        error.or(unknown).map(|what| format!("{shown}: {what}"))
    }
}

fn fits(template: &str, path: &[String]) -> bool {
    let parts: Vec<&str> = template.split('/').skip(1).collect();
    parts.len() == path.len() && parts.iter().zip(path).all(|(part, given)| part.starts_with('{') || part == given)
}
