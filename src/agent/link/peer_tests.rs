//! The connection against a hub that follows a script, over real sockets and real TLS.

// The peer borrows the hub's TLS and certificates.
#![cfg(feature = "hub")]

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use rumqttc::{ConnAck, ConnectReturnCode, Packet, Publish, QoS, SubAck, SubscribeReasonCode};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Event, Link, LinkHandle, QUEUE, Settings, TOKEN_LIFETIME};
use crate::{iothub::DeviceConnection, task::Stop, twin::Map};

const LIMIT: usize = 1 << 20;

/// A hub that says what it is told to.
struct Hub {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// One connection of a device.
struct Peer {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

/// The agent's side.
struct Bench {
    hub: Hub,
    link: LinkHandle,
    events_rx: mpsc::Receiver<Event>,
    stop: Stop,
    ca: tempfile::NamedTempFile,
}

async fn bench() -> Bench {
    bench_with(TOKEN_LIFETIME).await
}

async fn bench_with(token_lifetime: Duration) -> Bench {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();

    let text = "HostName=localhost;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let connection = DeviceConnection::parse(text).unwrap();
    let address = format!("localhost:{port}").parse().unwrap();
    let settings = Settings { ca: Some(ca.path().to_owned()), token_lifetime, ..Settings::new(connection, address) };
    let (link, commands_rx) = LinkHandle::new();
    let (events_tx, events_rx) = mpsc::channel(QUEUE);
    let stop = Stop::new();
    tokio::spawn(Link::new(settings, commands_rx, events_tx).run(stop.clone()));
    Bench { hub: Hub { listener, acceptor: TlsAcceptor::from(Arc::new(server)) }, link, events_rx, stop, ca }
}

impl Hub {
    async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        Peer { stream: self.acceptor.accept(stream).await.unwrap(), buffer: BytesMut::new() }
    }

    /// Takes a connection up to the question for the twin; its request id.
    async fn welcome(&self) -> (Peer, String) {
        let mut peer = self.accept().await;
        let Packet::Connect(connect) = peer.read().await else { panic!("a CONNECT") };
        let login = connect.login.unwrap();
        assert!(login.username.starts_with("localhost/d1/?api-version=2021-04-12"), "{}", login.username);
        assert!(login.password.starts_with("SharedAccessSignature sr=localhost%2Fdevices%2Fd1&"));
        assert_eq!(connect.client_id, "d1");
        peer.write(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
        for _ in 0..3 {
            let Packet::Subscribe(subscribe) = peer.read().await else { panic!("nothing before the SUBACKs") };
            let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce)];
            peer.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
        }
        let (topic, _) = peer.published().await;
        (peer, topic.strip_prefix("$iothub/twin/GET/?$rid=").unwrap().to_owned())
    }
}

impl Peer {
    async fn read(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.buffer, LIMIT) {
                Ok(packet) => return packet,
                Err(rumqttc::Error::InsufficientBytes(_)) => {
                    assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the agent hung up");
                }
                Err(fault) => panic!("{fault}"),
            }
        }
    }

    async fn published(&mut self) -> (String, Vec<u8>) {
        match self.read().await {
            Packet::Publish(message) => (message.topic, message.payload.to_vec()),
            other => panic!("a PUBLISH, not {other:?}"),
        }
    }

    async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, LIMIT).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn publish(&mut self, topic: &str, body: &Value) {
        self.write(Packet::Publish(Publish::new(topic, QoS::AtMostOnce, body.to_string()))).await;
    }

    async fn accept_report(&mut self, topic: &str, version: u64) {
        let rid = topic.strip_prefix("$iothub/twin/PATCH/properties/reported/?$rid=").unwrap();
        let answer = format!("$iothub/twin/res/204/?$rid={rid}&$version={version}");
        self.write(Packet::Publish(Publish::new(answer, QoS::AtMostOnce, ""))).await;
    }

    async fn give(&mut self, rid: &str, version: u64) {
        let twin = json!({"desired": {"a": version, "$version": version}, "reported": {"$version": 1}});
        self.publish(&format!("$iothub/twin/res/200/?$rid={rid}"), &twin).await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "literals are passed as they are made")]
fn map(value: Value) -> Map {
    value.as_object().unwrap().clone()
}

fn whole(version: u64) -> Event {
    Event::Twin { desired: map(json!({"a": version})), version, reported: Map::new() }
}

#[tokio::test]
async fn a_connection_brings_the_twin_then_patches_reports_and_methods() {
    let mut bench = bench().await;
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 4).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(4)));

    let topic = "$iothub/twin/PATCH/properties/desired/?$version=5";
    peer.publish(topic, &json!({"a": null, "$version": 5})).await;
    let patch = Event::Patch { patch: map(json!({"a": null})), version: 5 };
    assert_eq!(bench.events_rx.recv().await, Some(patch));

    let link = bench.link.clone();
    let report = tokio::spawn(async move { link.report(map(json!({"x": 1}))).await });
    let (topic, body) = peer.published().await;
    assert_eq!(body, br#"{"x":1}"#);
    peer.accept_report(&topic, 8).await;
    assert_eq!(report.await.unwrap(), Ok(8));

    peer.publish("$iothub/methods/POST/twinops*recheck/?$rid=f", &json!(null)).await;
    assert!(matches!(bench.events_rx.recv().await, Some(Event::Method { rid, .. }) if rid == "f"));
    bench.link.respond("f".to_owned(), 200, json!({}));
    assert_eq!(peer.published().await.0, "$iothub/methods/res/200/?$rid=f");

    bench.stop.request();
    assert_eq!(peer.read().await, Packet::Disconnect);
}

#[tokio::test]
async fn what_is_under_way_when_a_token_ends_comes_to_its_end_and_what_is_asked_then_waits() {
    let mut bench = bench_with(Duration::from_secs(1)).await;
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 4).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(4)));
    let report = |value: u64| {
        let link = bench.link.clone();
        tokio::spawn(async move { link.report(map(json!({"x": value}))).await })
    };
    let (first, (topic, _)) = (report(1), peer.published().await);
    peer.publish("$iothub/methods/POST/slow/?$rid=f", &json!(null)).await;
    assert!(matches!(bench.events_rx.recv().await, Some(Event::Method { .. })));
    // The token is over by now, and nothing else was said: the report and the method are not given up.
    assert!(timeout(Duration::from_secs(2), peer.read()).await.is_err());
    let second = report(2);
    bench.link.respond("f".to_owned(), 200, json!({}));
    assert_eq!(peer.published().await.0, "$iothub/methods/res/200/?$rid=f");
    // A desired patch, too, in the last moment.
    peer.publish("$iothub/twin/PATCH/properties/desired/?$version=5", &json!({"a": 5, "$version": 5})).await;
    assert!(matches!(bench.events_rx.recv().await, Some(Event::Patch { version: 5, .. })));
    peer.accept_report(&topic, 8).await;
    assert_eq!(first.await.unwrap(), Ok(8));
    assert_eq!(peer.read().await, Packet::Disconnect);

    drop(peer);
    let (mut peer, rid) = bench.hub.welcome().await;
    let (topic, body) = peer.published().await;
    assert_eq!(body, br#"{"x":2}"#);
    peer.accept_report(&topic, 9).await;
    assert_eq!(second.await.unwrap(), Ok(9));
    peer.give(&rid, 5).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(5)), "nobody was told of an outage");
    bench.stop.request();
}

#[tokio::test]
async fn a_broken_connection_is_told_and_made_again_with_a_fresh_twin() {
    let mut bench = bench().await;
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 4).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(4)));
    drop(peer);
    assert_eq!(bench.events_rx.recv().await, Some(Event::Offline));
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 9).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(9)));
    bench.stop.request();
}

#[tokio::test]
async fn reports_without_a_connection_are_declined_at_once() {
    let bench = bench().await;
    let mut peer = bench.hub.accept().await;
    assert!(matches!(peer.read().await, Packet::Connect(_)));
    assert_eq!(bench.link.report(map(json!({"x": 1}))).await, Err(super::ReportError::Offline));
    bench.stop.request();
}

#[tokio::test]
async fn that_the_hub_can_be_reached_is_proven_by_a_new_connection() {
    let mut bench = bench().await;
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 4).await;
    assert_eq!(bench.events_rx.recv().await, Some(whole(4)));
    let link = bench.link.clone();
    let proof = tokio::spawn(async move { link.prove().await });
    assert_eq!(peer.read().await, Packet::Disconnect);
    let (mut peer, rid) = bench.hub.welcome().await;
    assert!(!proof.is_finished());
    peer.give(&rid, 4).await;
    assert!(proof.await.unwrap());
    bench.stop.request();
}

#[tokio::test]
async fn authorities_that_are_gone_prove_that_the_hub_cannot_be_reached() {
    let bench = bench().await;
    let (mut peer, rid) = bench.hub.welcome().await;
    peer.give(&rid, 4).await;
    std::fs::write(bench.ca.path(), "").unwrap();
    assert!(!bench.link.prove().await);
    bench.stop.request();
}
