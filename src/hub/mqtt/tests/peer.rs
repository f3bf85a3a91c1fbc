//! An MQTT client that others wrote, over TCP.

use bytes::Bytes;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::{net::TcpListener, task::JoinSet};

use super::{DESIRED, Hub, METHODS, RESPONSES, link, seconds};
use crate::hub::ports::{Links as _, MethodFault, PeerCertificates};

/// Listens on a free port until dropped.
async fn listen(hub: &Hub) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (server, stop) = (std::sync::Arc::clone(&hub.server), hub.stop.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut links = JoinSet::new();
        while let Ok((stream, peer)) = listener.accept().await {
            links.spawn(std::sync::Arc::clone(&server).serve_link(
                stream,
                PeerCertificates::default(),
                peer,
                stop.clone(),
            ));
        }
    });
    (port, tasks)
}

fn client(port: u16) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new("d1", "127.0.0.1", port);
    options.set_credentials("hub/d1/?api-version=2021-04-12", "token").set_keep_alive(seconds(60));
    options.set_clean_session(false).set_max_packet_size(1 << 19, 1 << 19);
    AsyncClient::new(options, 16)
}

/// The next packet that says something.
async fn next(events: &mut EventLoop) -> Packet {
    loop {
        let event = events.poll().await.unwrap();
        if let Event::Incoming(packet @ (Packet::Publish(_) | Packet::SubAck(_) | Packet::ConnAck(_))) = event {
            return packet;
        }
    }
}

async fn message(events: &mut EventLoop) -> (String, Bytes) {
    match next(events).await {
        Packet::Publish(publish) => (publish.topic, publish.payload),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_foreign_client_walks_the_whole_way() {
    let hub = Hub::new();
    let (port, _tasks) = listen(&hub).await;
    let (client, mut events) = client(port);
    assert!(matches!(next(&mut events).await, Packet::ConnAck(ack) if !ack.session_present));
    for filter in [RESPONSES, DESIRED, METHODS] {
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        assert!(matches!(next(&mut events).await, Packet::SubAck(_)));
    }
    client.publish("$iothub/twin/GET/?$rid=1", QoS::AtLeastOnce, false, " ").await.unwrap();
    assert_eq!(message(&mut events).await.0, "$iothub/twin/res/200/?$rid=1");
    let topic = "$iothub/twin/PATCH/properties/reported/?$rid=2";
    client.publish(topic, QoS::AtLeastOnce, false, r#"{"a":1}"#).await.unwrap();
    assert_eq!(message(&mut events).await.0, "$iothub/twin/res/204/?$rid=2&$version=1");
    let (d1, device) = (link("d1"), async {
        let (topic, payload) = message(&mut events).await;
        let rid = topic.strip_prefix("$iothub/methods/POST/echo/?$rid=").unwrap();
        client.publish(format!("$iothub/methods/res/200/?$rid={rid}"), QoS::AtLeastOnce, false, payload).await.unwrap();
        hub.links.desired(&link("d1"), 2, Bytes::from_static(b"{}"));
        message(&mut events).await
    });
    let call = hub.links.call(&d1, "echo", Bytes::from_static(b"[1]"), seconds(5), seconds(5));
    let (answer, (topic, _)) = tokio::join!(call, device);
    assert_eq!(answer.map(|answer| (answer.status, answer.payload)), Ok((200, Bytes::from_static(b"[1]"))));
    assert_eq!(topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
}

#[tokio::test]
async fn a_foreign_client_is_taken_over_and_finds_its_session_again() {
    let hub = Hub::new();
    let (port, _tasks) = listen(&hub).await;
    let (first, mut events) = client(port);
    next(&mut events).await;
    first.subscribe(DESIRED, QoS::AtLeastOnce).await.unwrap();
    next(&mut events).await;
    let (_second, mut second_events) = client(port);
    assert!(matches!(next(&mut second_events).await, Packet::ConnAck(ack) if ack.session_present));
    while events.poll().await.is_ok() {}
    hub.links.desired(&link("d1"), 2, Bytes::from_static(b"{}"));
    assert_eq!(message(&mut second_events).await.0, "$iothub/twin/PATCH/properties/desired/?$version=2");
    let call = hub.links.call(&link("d1"), "m", Bytes::new(), seconds(0), seconds(1)).await;
    assert_eq!(call, Err(MethodFault::NotOnline));
}

#[tokio::test]
async fn a_foreign_client_that_leaves_the_documented_topics_is_closed() {
    let hub = Hub::new();
    let (port, _tasks) = listen(&hub).await;
    let (client, mut events) = client(port);
    next(&mut events).await;
    client.publish("undocumented", QoS::AtMostOnce, false, "x").await.unwrap();
    while events.poll().await.is_ok() {}
    hub.core.asked("disconnected d1").await;
}
