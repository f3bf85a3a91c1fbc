//! Devices that come in order to register (protocol reference 13.1).

use super::*;
use crate::hub::{
    ConnectionLimits,
    guard::Guard,
    ports::{Fault, Links as _, Refusal},
};

const RESULTS: &str = "$dps/registrations/res/#";
const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/?$rid=1";

fn connect() -> ConnectPacket {
    let username = "0ne0001/registrations/r1/api-version=2019-03-31&ClientVersion=x".to_owned();
    ConnectPacket { username: Some(username), ..ConnectPacket::of("r1") }
}

async fn visitor(hub: &Hub) -> Device {
    let mut device = hub.connect(&connect()).await;
    device.send(&client::subscribe(1, &[(RESULTS, 1)])).await;
    assert_eq!(device.receive().await, Packet::of(0x90, b"\0\x01\x01"));
    device
}

#[tokio::test(start_paused = true)]
async fn a_device_registers_and_asks_how_it_went() {
    let hub = Hub::new();
    let mut device = visitor(&hub).await;
    device.send(&client::publish(REGISTER, Some(7), false, br#"{"registrationId":"r1"}"#)).await;
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x07"));
    let answer = ("$dps/registrations/res/202/?$rid=1&retry-after=3".to_owned(), "{}".to_owned());
    assert_eq!(device.message().await, answer);
    device.publish("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.1", " ").await;
    assert_eq!(device.message().await, ("$dps/registrations/res/200/?$rid=2".to_owned(), "[]".to_owned()));
    device.hears_nothing().await;
    assert_eq!(
        hub.core.log(),
        [r#"recognise 0ne0001 r1 Some("token") 0"#, r#"register r1 {"registrationId":"r1"}"#, "registered r1 4.1"]
    );
    assert_eq!(hub.links.connected(), 0, "it is no device yet");
    device.send(&client::DISCONNECT).await;
    assert_eq!(device.closed().await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_refused_as_devices_are() {
    for (refusal, code) in [(Refusal::NotAuthorized, 5), (Refusal::Unavailable, 3)] {
        let hub = Hub::new();
        hub.core.state().refusal = Some(refusal);
        let mut device = hub.open();
        device.send(&connect().bytes()).await;
        assert_eq!(device.closed().await, [0x20, 2, 0, code]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_goes_along_and_a_module_called_like_it_is_a_module() {
    let hub = Hub::new();
    let mut device = hub.open_with(Some(b"DER"), 1 << 16);
    device.send(&ConnectPacket { password: None, ..connect() }.bytes()).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\0\0"));
    let mut module = ConnectPacket::of("registrations/r1");
    module.username = Some("hub/registrations/r1/api-version=2019-03-31".to_owned());
    let _module = hub.connect(&module).await;
    let log = hub.core.log();
    assert_eq!(log[0], "recognise 0ne0001 r1 None 1");
    assert!(log[1].starts_with("connect registrations/r1"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_in_the_topic() {
    let hub = Hub::new();
    let mut device = visitor(&hub).await;
    for (code, topic) in [(401_002, "401/?$rid=1"), (429_001, "429/?$rid=1&retry-after=10")] {
        hub.core.state().fault = Some(Fault { code, message: "no".to_owned() });
        device.publish(REGISTER, "{}").await;
        let (found, body) = device.message().await;
        assert_eq!(found, format!("$dps/registrations/res/{topic}"));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["errorCode"], &body["message"]), (&code.into(), &"no".into()));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_too_often_after_the_welcome_is_turned_away_as_well() {
    let mut hub = Hub::new();
    let limits = ConnectionLimits { failures_per_minute: 3, exempt: vec![], ..ConnectionLimits::default() };
    let guard = Arc::new(Guard::new(&limits));
    let server = Server::new(Arc::clone(&hub.core), Arc::clone(&hub.links), Limits::default());
    hub.server = Arc::new(server.guarded(Arc::clone(&guard)));
    let mut device = visitor(&hub).await;
    for _ in 0..3 {
        assert!(!guard.is_barred(PEER.ip()));
        hub.core.state().fault = Some(Fault { code: 401_002, message: "no".to_owned() });
        device.publish(REGISTER, "{}").await;
        assert_eq!(device.message().await.0, "$dps/registrations/res/401/?$rid=1");
    }
    assert_eq!(device.closed().await, b"");
    assert!(guard.is_barred(PEER.ip()));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_told_so() {
    let hub = Hub::new();
    let mut device = visitor(&hub).await;
    hub.core.hold();
    device.publish(REGISTER, "{}").await;
    assert_eq!(device.message().await.0, "$dps/registrations/res/503/?$rid=1");
}

#[tokio::test(start_paused = true)]
async fn everything_else_closes_the_link() {
    let hub = Hub::new();
    for bytes in [
        client::publish("$iothub/twin/GET/?$rid=1", None, false, b""),
        client::publish("devices/r1/messages/events/", None, false, b"x"),
        client::publish(REGISTER, None, false, &vec![b'x'; 110 * 1024]),
        client::subscribe(2, &[(RESULTS, 0), (DESIRED, 0)]),
        client::unsubscribe(2, &[METHODS]),
        connect().bytes(),
        vec![0xF0, 0],
    ] {
        let mut device = visitor(&hub).await;
        device.send(&bytes).await;
        assert_eq!(device.closed().await, b"");
    }
    assert!(hub.core.log().iter().all(|line| line.starts_with("recognise")), "{:?}", hub.core.log());
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_or_stays_for_ever_is_not_kept() {
    let hub = Hub::new();
    let began = tokio::time::Instant::now();
    visitor(&hub).await.closed().await;
    assert_eq!(began.elapsed(), seconds(90));
    let mut pinging = visitor(&hub).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < seconds(590) {
        pinging.hears_nothing().await;
        tokio::time::sleep(seconds(30)).await;
    }
    pinging.closed().await;
    assert_eq!(began.elapsed(), seconds(600));
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_subscribed_to_are_not_sent() {
    let hub = Hub::new();
    let mut device = hub.connect(&connect()).await;
    device.publish(REGISTER, "{}").await;
    device.hears_nothing().await;
    hub.core.asked("register r1 {}").await;
}
