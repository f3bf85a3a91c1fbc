//! The client against a small real HTTP server that writes down what it hears.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};

use super::{ClientError, HubClient, Options, Rows};
use crate::{
    fleet::{IdentityKind, IdentitySpec},
    iothub::{Envelope, ErrorAnswer, ErrorCode, HostName, SasToken, Scope, ServiceConnection, ServiceCredential},
    reconcile::ports::{HubError, Page, TwinRead, TwinWrite},
    twin::DeviceId,
};

mod snapshot;

const CONNECTION: &str = "HostName=hub.example;SharedAccessKeyName=iothubowner;\
                          SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A request as it was heard: first line without the version, headers in lower case, body.
#[derive(Debug, Clone, Default)]
struct Heard {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server says next.
#[derive(Clone)]
enum Say {
    Answer(u16, Vec<(&'static str, String)>, String),
    HangUp,
}

#[derive(Clone)]
struct Server {
    heard: Arc<Mutex<Vec<Heard>>>,
    script: Arc<Mutex<VecDeque<Say>>>,
}

async fn serve(script: impl IntoIterator<Item = Say>) -> (Server, HubClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server { heard: Arc::default(), script: Arc::new(Mutex::new(script.into_iter().collect())) };
    let accepting = server.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(accepting.clone().converse(socket));
        }
    });
    let connection = ServiceConnection::parse(CONNECTION).unwrap();
    (server, HubClient::connect_plain(address, &connection, Options::default()).unwrap())
}

impl Server {
    async fn converse(self, socket: TcpStream) {
        let mut socket = BufStream::new(socket);
        while let Some(request) = hear(&mut socket).await {
            self.heard.lock().unwrap().push(request);
            let say = self.script.lock().unwrap().pop_front();
            let Some(Say::Answer(status, headers, body)) = say else { return };
            let mut text = format!("HTTP/1.1 {status} Word\r\nContent-Length: {}\r\n", body.len());
            for (name, value) in headers {
                text.extend([name, ": ", &value, "\r\n"]);
            }
            text.push_str("\r\n");
            socket.write_all((text + &body).as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
        }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    fn only(&self) -> Heard {
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard[0].clone()
    }
}

async fn hear(socket: &mut BufStream<TcpStream>) -> Option<Heard> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let split = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let mut heard = Heard {
        line: lines.first()?.trim_end_matches(" HTTP/1.1").to_owned(),
        headers: lines[1..].iter().filter_map(split).collect(),
        body: Vec::new(),
    };
    let length = heard.header("content-length").map_or(0, |text| text.parse().unwrap());
    heard.body.resize(length, 0);
    socket.read_exact(&mut heard.body).await.ok()?;
    Some(heard)
}

fn ok(body: &str) -> Say {
    Say::Answer(200, Vec::new(), body.to_owned())
}

fn fault(code: ErrorCode, envelope: Envelope, header: bool) -> Say {
    let answer = ErrorAnswer {
        code,
        message: "the hub's words".into(),
        tracking_id: "7-G:2".into(),
        timestamp_utc: "2026-11-23T04:28:17Z".into(),
        info: None,
    };
    let headers = if header { vec![("iothub-errorcode", code.name().to_owned())] } else { Vec::new() };
    Say::Answer(code.status(), headers, answer.body(envelope))
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[tokio::test]
async fn a_patch_goes_out_with_a_quoted_etag_an_encoded_id_and_a_signed_token() {
    let (server, client) = serve([ok(r#"{"deviceId":"x"}"#)]).await;
    let patch = raw(r#"{"tags":{"a":1}}"#);
    let twin = client.patch(&id("d:1#x%/".trim_end_matches('/')), "AAAAAAAAAAI=", &patch).await.unwrap();
    assert_eq!(&*twin.0, br#"{"deviceId":"x"}"#);
    let heard = server.only();
    assert_eq!(heard.line, "PATCH /twins/d%3A1%23x%25?api-version=2021-04-12");
    assert_eq!(heard.header("if-match"), Some("\"AAAAAAAAAAI=\""));
    assert_eq!(heard.header("content-type"), Some("application/json; charset=utf-8"));
    assert!(heard.header("user-agent").unwrap().starts_with("twinops/"));
    assert_eq!(heard.body, patch.get().as_bytes());
    let token = SasToken::parse(heard.header("authorization").unwrap()).unwrap();
    let connection = ServiceConnection::parse(CONNECTION).unwrap();
    let ServiceCredential::Key { key, .. } = connection.credential else { panic!("a key") };
    assert!(token.is_signed_by(&key));
    assert_eq!(token.policy(), Some("iothubowner"));
    assert_eq!(token.scope_at(&HostName::parse("hub.example").unwrap()), Ok(Scope::Hub));
}

#[tokio::test]
async fn a_twin_is_handed_on_as_it_came_and_an_unknown_device_is_none() {
    let unknown = fault(ErrorCode::DeviceNotFound, Envelope::Nested, true);
    let (server, client) = serve([ok(r#"{ "deviceId" : "a" }"#), unknown]).await;
    let twin = client.twin(&id("a")).await.unwrap().unwrap();
    assert_eq!(&*twin.0, br#"{ "deviceId" : "a" }"#);
    assert!(client.twin(&id("a")).await.unwrap().is_none());
    let heard = server.heard();
    assert_eq!(heard[0].line, "GET /twins/a?api-version=2021-04-12");
    assert_eq!((heard[0].header("if-match"), heard[0].header("content-type")), (None, None));
    assert_eq!(heard[0].header("authorization"), heard[1].header("authorization"));
}

#[tokio::test]
async fn every_envelope_of_every_error_is_understood() {
    use ErrorCode as Code;
    type Expected = fn(&HubError) -> bool;
    let cases: [(Code, Expected); 9] = [
        (Code::PreconditionFailed, |error| matches!(error, HubError::Stale)),
        (Code::DeviceNotFound, |error| matches!(error, HubError::NoDevice)),
        (Code::DeviceAlreadyExists, |error| matches!(error, HubError::Exists)),
        (Code::ThrottlingException, |error| matches!(error, HubError::Throttled { retry_after: None })),
        (Code::IotHubUnauthorized, |error| matches!(error, HubError::Unauthorized { message } if message == WORDS)),
        (Code::IotHubQuotaExceeded, |error| matches!(error, HubError::Unauthorized { message } if message == WORDS)),
        (
            Code::ArgumentInvalid,
            |error| matches!(error, HubError::Refused { status: 400, message } if message == WORDS),
        ),
        (Code::DeviceNotOnline, |error| matches!(error, HubError::Refused { status: 404, .. })),
        (Code::ServerBusy, |error| matches!(error, HubError::Unavailable { status: 503 })),
    ];
    for (code, expected) in cases {
        for envelope in [Envelope::Named, Envelope::Flat, Envelope::Nested] {
            for header in [true, false] {
                let (_server, client) = serve([fault(code, envelope, header)]).await;
                let error = client.patch(&id("a"), "e", &raw("{}")).await.unwrap_err();
                assert!(expected(&error), "{code:?} {envelope:?} {header}: {error:?}");
            }
        }
    }
}

const WORDS: &str = "the hub's words";

#[tokio::test]
async fn a_hubs_own_waiting_time_is_passed_on() {
    let throttled = Say::Answer(429, vec![("Retry-After", "17".into())], String::new());
    let (_server, client) = serve([throttled]).await;
    let error = client.patch(&id("a"), "e", &raw("{}")).await.unwrap_err();
    assert!(matches!(error, HubError::Throttled { retry_after: Some(wait) } if wait.as_secs() == 17));
}

#[tokio::test]
async fn what_is_no_hub_is_not_taken_for_one() {
    let page = Say::Answer(404, Vec::new(), "<html>no such page</html>".into());
    let moved = Say::Answer(302, vec![("Location", "http://127.0.0.1:1/".into())], String::new());
    let (_server, client) = serve([page, moved, Say::HangUp]).await;
    let refused = client.twin(&id("a")).await.unwrap_err();
    assert!(matches!(refused, HubError::Refused { status: 404, .. }), "{refused:?}");
    let refused = client.twin(&id("a")).await.unwrap_err();
    assert!(matches!(refused, HubError::Refused { status: 302, .. }), "{refused:?}");
    assert!(matches!(client.patch(&id("a"), "e", &raw("{}")).await, Err(HubError::Unreachable(_))));
}

#[tokio::test]
async fn a_device_whose_id_would_lead_elsewhere_is_not_addressed() {
    let (server, client) = serve([]).await;
    assert!(matches!(client.twin(&id("..")).await, Err(HubError::Refused { .. })));
    assert!(matches!(client.delete_identity(&id(".")).await, Err(HubError::Refused { .. })));
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn a_query_follows_its_continuation_to_the_end() {
    let page = |rows: &str, next: Option<&str>| {
        let mut headers = vec![("x-ms-item-type", "Twin".to_owned())];
        headers.extend(next.map(|token| ("x-ms-continuation", token.to_owned())));
        Say::Answer(200, headers, rows.to_owned())
    };
    let (server, client) = serve([page("[1]", Some("Mg==")), page("[]", Some("Mw==")), page("[2,3]", None)]).await;
    let pages: Vec<Rows> = client.query("SELECT * FROM devices").try_collect().await.unwrap();
    let text = |rows: &Rows| match &rows.page {
        Page::Array(text) | Page::Lines(text) => String::from_utf8(text.to_vec()).unwrap(),
    };
    assert_eq!(pages.iter().map(text).collect::<Vec<_>>(), ["[1]", "[]", "[2,3]"]);
    assert!(pages.iter().all(|rows| rows.item_type == "Twin"));
    let heard = server.heard();
    assert_eq!(heard[0].line, "POST /devices/query?api-version=2021-04-12");
    assert!(heard.iter().all(|one| one.json() == json!({ "query": "SELECT * FROM devices" })));
    assert!(heard.iter().all(|one| one.header("x-ms-max-item-count") == Some("1000")));
    let tokens: Vec<_> = heard.iter().map(|one| one.header("x-ms-continuation")).collect();
    assert_eq!(tokens, [None, Some("Mg=="), Some("Mw==")]);
}

#[tokio::test]
async fn a_throttled_page_is_asked_for_again_and_a_wrong_statement_is_not() {
    let throttled = Say::Answer(429, vec![("Retry-After", "0".into())], String::new());
    let wrong = fault(ErrorCode::ArgumentInvalid, Envelope::Named, true);
    let (server, client) = serve([throttled, ok("[]"), wrong]).await;
    assert_eq!(client.twins("SELECT * FROM devices").count().await, 1);
    let all: Vec<_> = client.twins("SELECT").collect().await;
    assert!(matches!(all.as_slice(), [Err(HubError::Refused { status: 400, .. })]), "{all:?}");
    assert_eq!(server.heard().len(), 3);
}

#[tokio::test]
async fn identities_are_made_read_and_removed() {
    let made = r#"{"deviceId":"a","authentication":{"symmetricKey":{"primaryKey":"AAAA","secondaryKey":"BBBB"}}}"#;
    let gone = Say::Answer(204, Vec::new(), String::new());
    let unknown = || fault(ErrorCode::DeviceNotFound, Envelope::Named, true);
    let (server, client) = serve([ok(made), ok(made), gone, unknown(), unknown()]).await;
    let sas = IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None };
    let identity = client.create(&id("a"), &sas).await.unwrap();
    assert_eq!(identity.authentication.unwrap().symmetric_key.primary_key.unwrap().reveal(), "AAAA");
    assert_eq!(client.identity(&id("a")).await.unwrap().unwrap().device_id, "a");
    assert!(client.delete_identity(&id("a")).await.unwrap());
    assert!(!client.delete_identity(&id("a")).await.unwrap());
    assert!(client.identity(&id("a")).await.unwrap().is_none());
    let heard = server.heard();
    assert_eq!(heard[0].line, "PUT /devices/a?api-version=2021-04-12");
    assert_eq!(heard[0].header("if-match"), None);
    let authentication = json!({ "type": "sas", "symmetricKey": { "primaryKey": "", "secondaryKey": "" } });
    let body = json!({ "deviceId": "a", "status": "enabled", "authentication": authentication });
    assert_eq!(heard[0].json(), body);
    assert_eq!(heard[2].line, "DELETE /devices/a?api-version=2021-04-12");
    assert_eq!(heard[2].header("if-match"), Some("\"*\""));
}

#[tokio::test]
async fn a_device_with_a_certificate_is_registered_by_its_thumbprint() {
    let (server, client) = serve([ok(r#"{"deviceId":"a"}"#)]).await;
    let identity = IdentitySpec {
        kind: IdentityKind::SelfSigned,
        primary_thumbprint: Some("AB".into()),
        secondary_thumbprint: None,
    };
    client.register(&id("a"), &identity).await.unwrap();
    let thumbprints = json!({ "primaryThumbprint": "AB", "secondaryThumbprint": null });
    let authentication = json!({ "type": "selfSigned", "x509Thumbprint": thumbprints });
    assert_eq!(server.only().json()["authentication"], authentication);
}

#[tokio::test]
async fn a_method_is_called_once_and_answers_what_the_device_said() {
    let silent = fault(ErrorCode::GatewayTimeout, Envelope::Nested, true);
    let (server, client) = serve([ok(r#"{"status":299,"payload":null}"#), silent]).await;
    let (connect, response) = (Duration::from_secs(3), Duration::from_secs(30));
    let (device, payload) = (id("a"), json!({"x": 1}));
    let call = || client.invoke_method(&device, "thermostat1*reboot", &payload, connect, response);
    let answer = call().await;
    assert_eq!(answer.map(|answer| (answer.status, answer.payload)).unwrap(), (299, Value::Null));
    assert!(matches!(call().await, Err(HubError::Refused { status: 504, message }) if message == WORDS));
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].line, "POST /twins/a/methods?api-version=2021-04-12");
    let body = json!({
        "methodName": "thermostat1*reboot", "payload": {"x": 1}, "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 3,
    });
    assert_eq!(heard[0].json(), body);
}

#[tokio::test]
async fn without_tls_only_this_machine_is_spoken_to() {
    let connection = ServiceConnection::parse(CONNECTION).unwrap();
    let elsewhere = "192.0.2.1:80".parse().unwrap();
    let refused = HubClient::connect_plain(elsewhere, &connection, Options::default());
    assert!(matches!(refused, Err(ClientError::NotLoopback(_))));
}

#[test]
fn certificates_that_are_none_are_refused() {
    let connection = ServiceConnection::parse(CONNECTION).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let with = |path: &std::path::Path| {
        HubClient::connect(&connection, Options { ca: Some(path.to_owned()), ..Options::default() })
    };
    assert!(matches!(with(file.path()), Err(ClientError::NoCertificate(_))));
    assert!(matches!(with("/nowhere/ca.pem".as_ref()), Err(ClientError::Ca { .. })));
}

#[tokio::test]
async fn a_private_hubs_own_authority_is_trusted_and_nobody_else_with_it() {
    let _first_choice_stands = rustls::crypto::ring::default_provider().install_default();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let tls = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = tls.accept(socket).await else { continue };
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
                socket.write_all(answer).await.unwrap();
                socket.shutdown().await.unwrap();
            }
        }
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(signed.cert.pem().as_bytes()).unwrap();
    let connection =
        ServiceConnection::parse(&CONNECTION.replace("hub.example", &format!("localhost:{port}"))).unwrap();
    let trusting = Options { ca: Some(file.path().to_owned()), ..Options::default() };
    let client = HubClient::connect(&connection, trusting).unwrap();
    assert_eq!(&*client.twin(&id("a")).await.unwrap().unwrap().0, b"{}");
    if let Ok(client) = HubClient::connect(&connection, Options::default()) {
        assert!(matches!(client.twin(&id("a")).await, Err(HubError::Unreachable(_))));
    }
}
