//! By which way: MQTT, WebSocket, through a proxy; and from one token to the next.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use twinops::agent::{Config, Proxies, Transport};

use crate::{
    relay::Relay,
    stage::{Agent, Stage},
};

/// A port at which nobody listens.
async fn closed(config: &mut Config) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    config.mqtt = Some(format!("localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap());
}

#[tokio::test]
async fn a_closed_port_leaves_the_way_over_websocket() {
    let stage = Stage::new().await;
    let mut config = stage.config(stage.with_key("d1").await, "d1");
    closed(&mut config).await;
    let agent = Agent::start(config);
    stage.is_served("d1").await;
    agent.end().await;
}

#[tokio::test]
async fn a_proxy_is_told_who_asks_and_connects_to_the_hub() {
    let (stage, proxy) = (Stage::new().await, Relay::proxy().await);
    let mut config = stage.config(stage.with_key("d1").await, "d1");
    config.proxies = Proxies::parse(&format!("http://ann:hush@{}", proxy.address), "").unwrap();
    let agent = Agent::start(config);
    stage.is_served("d1").await;
    assert_eq!(proxy.heard(), [stage.world.service.host.to_string()]);
    agent.end().await;
}

#[tokio::test]
async fn mqtt_alone_goes_past_the_proxy() {
    let (stage, proxy) = (Stage::new().await, Relay::proxy().await);
    let mut config = stage.config(stage.with_key("d1").await, "d1");
    config.proxies = Proxies::parse(&format!("http://{}", proxy.address), "").unwrap();
    config.transport = Transport::Mqtt;
    let agent = Agent::start(config);
    stage.is_served("d1").await;
    assert!(proxy.heard().is_empty());
    agent.end().await;
}

#[tokio::test]
async fn nothing_is_lost_from_one_token_to_the_next() {
    let stage = Stage::new().await;
    let relay = Relay::to(stage.world.mqtt_port).await;
    let mut config = stage.config(stage.with_key("d1").await, "d1");
    config.mqtt = Some(format!("localhost:{}", relay.address.port()).parse().unwrap());
    config.transport = Transport::Mqtt;
    config.token_lifetime = Duration::from_secs(2);
    let agent = Agent::start(config);
    let mut level = 0;
    while relay.heard().len() < 4 {
        level += 1;
        stage.desire("d1", json!({"lamp": {"__t": "c", "level": level}})).await;
        let reported = stage.settled("d1").await;
        let lamp = &reported["lamp"]["level"];
        assert_eq!((&lamp["ac"], &lamp["value"]), (&json!(200), &json!(level)), "{reported}");
    }
    agent.end().await;
}
