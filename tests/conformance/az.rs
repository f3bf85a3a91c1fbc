//! The az CLI, whose requests are sent byte for byte: `az.http` has them, and what they are answered.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::support::{PATIENCE, World, key_of};

/// What the CLI sends with every request, a content type with those that have no content as well.
const HEADERS: &str = "\
Host: localhost\r
User-Agent: python/3.11.7 (Linux-6.18.44-fc-v669-x86_64-with-glibc2.36) msrest/0.7.1 msrest_azure/0.6.4.post1 \
iothubgatewayserviceapis/2024-03-31 Azure-SDK-For-Py\r
Accept-Encoding: gzip, deflate\r
Accept: application/json\r
Connection: keep-alive\r
Content-Type: application/json; charset=utf-8\r
x-ms-client-request-id: 8f1d6d2e-c8e1-11f0-9f5b-0242ac110002\r
accept-language: en-US\r
Cache-Control: no-cache, must-revalidate\r
";

/// A command's request, and what its answer has to hold.
struct Exchange {
    command: String,
    request: String,
    headers: String,
    body: String,
    status: u16,
    expected: Option<Value>,
}

impl Exchange {
    /// Reads one entry: the command, the request line, header lines, and an empty line with a body where there is one;
    /// then `=>`, a status, and what the answer holds at least.
    fn parse(text: &str) -> Self {
        let (asked, answer) = text.split_once("\n=> ").expect(text);
        let (head, body) = asked.split_once("\n\n").unwrap_or((asked, ""));
        let mut lines = head.lines().map(str::to_owned);
        let (command, request) = (lines.next().unwrap(), lines.next().expect(text));
        let headers = lines.map(|line| line + "\r\n").collect();
        let (status, expected) = answer.trim().split_once(' ').unwrap_or((answer.trim(), ""));
        let parsed = |text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{command}: {error}"));
        let expected = Some(expected).filter(|text| !text.is_empty()).map(parsed);
        Self { command, request, headers, body: body.trim().to_owned(), status: status.parse().unwrap(), expected }
    }

    /// The module or device whose method is called, as it connects.
    fn callee(&self) -> Option<String> {
        let path = self.request.strip_prefix("POST /twins/")?.split('?').next()?;
        Some(path.strip_suffix("/methods")?.replace("/modules/", "/"))
    }

    /// Holds the answer to what is expected; what a background pass brings about may take a while to be read.
    async fn holds(&self, world: &World) {
        let head = format!("{} HTTP/1.1\r\n{HEADERS}{}", self.request, self.headers);
        let by = Instant::now() + PATIENCE;
        loop {
            let answer = timeout(PATIENCE, world.send(&head, &self.body)).await.unwrap();
            let right = answer.status == self.status
                && self.expected.as_ref().is_none_or(|expected| holds(&answer.body, expected));
            let again = self.request.starts_with("GET") && Instant::now() < by;
            let Self { command, status, expected, .. } = self;
            assert!(right || again, "`{command}` expects {status} {expected:?}: {answer:?}");
            if right {
                return;
            }
        }
    }
}

/// Whether `found` has every member of `expected`, and as many elements.
fn holds(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| holds(found, value)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && expected.iter().all(|value| found.iter().any(|found| holds(found, value)))
        }
        _ => found == expected,
    }
}

/// Protocol reference 17.27.
#[tokio::test]
async fn the_requests_of_the_az_cli_are_served_as_they_are() {
    let world = World::start().await;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let text = include_str!("az.http").replace("{tomorrow}", &tomorrow.to_string());
    let mut connected = HashSet::new();
    for exchange in text.split("### ").skip(1).map(Exchange::parse) {
        if let Some(id) = exchange.callee().filter(|id| connected.insert(id.clone())) {
            let identity = world.get(&format!("/devices/{}", id.replace('/', "/modules/"))).await.ok();
            tokio::spawn(world.connect(&id, &key_of(&identity)).await.echo());
        }
        exchange.holds(&world).await;
    }
    assert_eq!(connected.len(), 2, "a device and a module were called");
    world.end().await;
}

#[test]
fn an_answer_holds_what_is_expected_of_it_and_no_other_elements() {
    let found = json!({"a": {"b": 1, "c": 2}, "list": [{"id": 1, "x": 0}, {"id": 2}]});
    assert!(holds(&found, &json!({"a": {"c": 2}, "list": [{"id": 2}, {"id": 1}]})));
    for other in [json!({"a": {"c": 3}}), json!({"d": null}), json!({"list": [{"id": 1}]}), json!({"list": []})] {
        assert!(!holds(&found, &other), "{other}");
    }
}
