//! Every topic and filter, and every name to connect with, tried by those whose it is not.

use reqwest::{Method, StatusCode};
use rumqttc::Incoming;
use serde_json::json;
use twinops::iothub::sign;

use crate::{
    stage::{GROUP, Link, MINE, MY_ENROLLMENT, MY_MODULE, MY_OTHER_MODULE, Stage, VICTIM, VICTIM_MODULE, Way, key},
    wire::{connect, field, packet, subscribe},
    world::FOREVER,
};

const ACCEPTED: &[u8] = b"\x20\x02\0\0";
const REFUSED: &[u8] = b"\x20\x02\0\x05";

/// Topics that are another's or the hub's own, or do not exist.
const TOPICS: &[&str] = &[
    "devices/victim/messages/events/",
    "devices/victim/messages/events/a=b",
    "devices/victim/modules/m1/messages/events/",
    "devices/victim/messages/devicebound/",
    "devices/mine/messages/devicebound/",
    "devices/mine/modules/m2/messages/events/",
    "devices/mine/modules/m2/inputs/x",
    "devices/mine/../victim/messages/events/",
    "devices/mine%2F..%2Fvictim/messages/events/",
    "devices/%76ictim/messages/events/",
    "devices//victim/messages/events/",
    "/devices/victim/messages/events/",
    "devices/VICTIM/messages/events/",
    "devices/mine/victim/messages/events/",
    "devices/mine/modules//messages/events/",
    "devices/mine/modules/../../victim/messages/events/",
    "devices/+/messages/events/",
    "devices/#",
    "#",
    "$iothub/twin/GET/victim/?$rid=1",
    "$iothub/twin/victim/GET/?$rid=1",
    "$iothub/devices/victim/twin/GET/?$rid=1",
    "$iothub/victim/twin/PATCH/properties/reported/?$rid=1",
    "$iothub/twin/PATCH/properties/reported/victim/?$rid=1",
    "$iothub/twin/PATCH/properties/reported/../desired/?$rid=1",
    "$iothub/twin/PATCH/properties/desired/?$rid=1",
    "$iothub/twin/PATCH/properties/desired/?$version=9",
    "$iothub/twin/PATCH/tags/?$rid=1",
    "$iothub/twin/res/200/?$rid=1",
    "$iothub/methods/POST/reboot/?$rid=1",
    "$iothub/methods/victim/res/200/?$rid=1",
    "$dps/registrations/PUT/iotdps-register/?$rid=1",
    "$SYS/broker/clients",
];

/// Filters of the same kind.
const FILTERS: &[&str] = &[
    "#",
    "+",
    "+/#",
    "$iothub/#",
    "$iothub/+/res/#",
    "$iothub/twin/#",
    "$iothub/twin/+/#",
    "$iothub/twin/res/+",
    "$iothub/twin/res/victim/#",
    "$iothub/twin/PATCH/#",
    "$iothub/twin/PATCH/properties/+/#",
    "$iothub/twin/PATCH/properties/reported/#",
    "$iothub/methods/#",
    "$iothub/methods/+/#",
    "$iothub/methods/res/#",
    "devices/#",
    "devices/+/messages/devicebound/#",
    "devices/victim/#",
    "devices/victim/messages/devicebound/#",
    "devices/victim/messages/events/#",
    "devices/victim/modules/m1/#",
    "devices/victim/modules/m1/inputs/#",
    "devices/%76ictim/messages/devicebound/#",
    "devices/mine/../victim/messages/devicebound/#",
    "devices/mine%2F..%2Fvictim/messages/devicebound/#",
    "/devices/victim/messages/devicebound/#",
    "devices/VICTIM/messages/devicebound/#",
    "devices/mine/#",
    "devices/mine/+/devicebound/#",
    "devices/mine/messages/#",
    "devices/mine/messages/events/#",
    "devices/mine/modules/#",
    "devices/mine/modules/+/#",
    "devices/mine/modules/m2/#",
    "devices/mine/modules/m2/inputs/#",
    "$share/all/devices/victim/messages/devicebound/#",
    "$dps/registrations/res/#",
    "$SYS/#",
];

fn publish(topic: &str) -> Vec<u8> {
    packet(0x32, &[field(topic), b"\0\x01{\"stolen\":true}".to_vec()].concat())
}

/// Lets somebody in with a token of their own; `id` is `device` or `device/module`.
async fn let_in(stage: &Stage, way: Way, id: &str, number: u8) -> Link {
    let token = stage.of_key(number, &format!("/devices/{}", id.replace('/', "/modules/")));
    let mut link = stage.dial(way).await;
    link.send(connect(id, &stage.username(id), &token)).await;
    assert_eq!(link.receive().await, ACCEPTED, "{id} over {way:?}");
    link
}

/// Sends a packet on a link of its own, which has to end over it without an answer.
async fn is_fatal(stage: &Stage, way: Way, (id, number): (&str, u8), what: &str, packet: Vec<u8>) {
    let mut link = let_in(stage, way, id, number).await;
    link.send(packet).await;
    assert_eq!(link.rest().await, b"", "{what} by {id} over {way:?}");
}

const SENDERS: [(&str, u8); 2] = [("mine", MINE), ("mine/m1", MY_MODULE)];

#[tokio::test]
async fn what_is_anothers_is_neither_published_nor_subscribed_to() {
    let mut stage = Stage::new().await;
    for way in Way::ALL {
        for sender in SENDERS {
            for topic in TOPICS {
                is_fatal(&stage, way, sender, topic, publish(topic)).await;
            }
            for filter in FILTERS {
                is_fatal(&stage, way, sender, filter, subscribe(filter)).await;
            }
            stage.is_untouched(&format!("{} over {way:?}", sender.0)).await;
        }
        // A device is not its modules, nor a module its device.
        let (of_device, of_module) = ("devices/mine", "devices/mine/modules/m1");
        for (sender, own, other) in [(SENDERS[0], of_device, of_module), (SENDERS[1], of_module, of_device)] {
            is_fatal(&stage, way, sender, other, publish(&format!("{other}/messages/events/"))).await;
            let filter =
                if other == of_device { "devices/mine/messages/devicebound/#" } else { "devices/mine/modules/m1/#" };
            is_fatal(&stage, way, sender, filter, subscribe(filter)).await;
            let mut link = let_in(&stage, way, sender.0, sender.1).await;
            link.send(publish(&format!("{own}/messages/events/"))).await;
            assert_eq!(link.receive().await, b"\x40\x02\0\x01", "its own is accepted");
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn nobody_connects_in_the_name_of_another() {
    let mut stage = Stage::new().await;
    let own = |number, resource: &str| stage.of_key(number, resource);
    let (mine, module) = (own(MINE, "/devices/mine"), own(MY_MODULE, "/devices/mine/modules/m1"));
    let mut tried = Vec::new();
    // Client id, id in the user name, token.
    for (client, named) in
        [("victim", "mine"), ("mine", "victim"), ("mine/m1", "mine"), ("mine", "mine/m1"), ("mine/m2", "mine/m1")]
    {
        tried.extend([(client, named, mine.clone()), (client, named, module.clone())]);
    }
    for victim in ["victim", "victim/m1", "%76ictim", "mine/../victim", "VICTIM", "victim/", "+", "#"] {
        for token in [
            String::new(),
            mine.clone(),
            module.clone(),
            own(MINE, "/devices/victim"),
            own(MINE, "/devices"),
            own(MINE, ""),
            own(MY_MODULE, "/devices/victim/modules/m1"),
            own(GROUP, "/devices/victim"),
            own(MY_ENROLLMENT, "/devices/victim"),
            stage.of_enrollment(&key(MY_ENROLLMENT), "victim"),
            stage.of_policy("service", ""),
            stage.of_policy("registryReadWrite", ""),
            stage.of_policy("provisioningserviceowner", ""),
            stage.of_policy("device", "/devices/mine"),
            stage.of_policy("iothubowner", "/devices/victi"),
            sign(&format!("{}/devices/victim", stage.host()), &key(VICTIM), 1_000_000_000, None),
            sign("elsewhere/devices/victim", &key(VICTIM), FOREVER, None),
        ] {
            tried.push((victim, victim, token));
        }
    }
    tried.extend([
        ("victim/m1", "victim/m1", own(VICTIM, "/devices/victim")),
        ("victim", "victim", own(VICTIM_MODULE, "/devices/victim/modules/m1")),
        ("victim", "victim", own(VICTIM_MODULE, "/devices/victim")),
        ("mine/m2", "mine/m2", module.clone()),
        ("mine/m2", "mine/m2", mine.clone()),
        ("mine/m1", "mine/m1", own(MY_OTHER_MODULE, "/devices/mine/modules/m1")),
        ("mine", "mine", module.clone()),
    ]);
    for way in Way::ALL {
        for (client, named, token) in &tried {
            let mut link = stage.dial(way).await;
            link.send(connect(client, &stage.username(named), token)).await;
            assert_eq!(link.rest().await, REFUSED, "{client} as {named} over {way:?} with {token}");
        }
    }
    stage.is_untouched("a connect").await;
    stage.end().await;
}

#[tokio::test]
async fn a_will_is_the_senders_own() {
    let mut stage = Stage::new().await;
    let token = stage.of_key(MINE, "/devices/mine");
    for way in Way::ALL {
        for topic in [
            "devices/victim/messages/events/",
            "devices/mine/modules/m1/messages/events/",
            "devices/+/messages/events/",
            "$iothub/twin/GET/?$rid=1",
        ] {
            let username = stage.username("mine");
            let fields = ["mine", topic, "stolen", &username, &token].map(field).concat();
            let mut link = stage.dial(way).await;
            link.send(packet(0x10, &[b"\0\x04MQTT\x04\xC4\0\x3C".as_slice(), &fields].concat())).await;
            assert!(!link.rest().await.starts_with(ACCEPTED), "{topic} over {way:?}");
        }
    }
    stage.is_untouched("a will").await;
    stage.end().await;
}

#[tokio::test]
async fn a_registration_is_for_its_device_alone() {
    let mut stage = Stage::new().await;
    let username = |id: &str| format!("{}/registrations/{id}/api-version=2019-03-31&ClientVersion=x", stage.id_scope);
    let mine = stage.of_enrollment(&key(MY_ENROLLMENT), "mine");
    for way in Way::ALL {
        for (client, named, token) in [
            ("victim", "victim", mine.clone()),
            ("mine", "victim", mine.clone()),
            ("victim", "mine", mine.clone()),
            ("victim", "victim", stage.of_enrollment(&key(MY_ENROLLMENT), "victim")),
            ("victim", "victim", stage.of_enrollment(&key(GROUP), "victim")),
            ("victim", "victim", stage.of_enrollment(&key(GROUP).derive("victim"), "victim")),
            ("victim", "victim", stage.of_key(VICTIM, "/devices/victim")),
            ("victim", "victim", stage.of_policy("iothubowner", "")),
        ] {
            let mut link = stage.dial(way).await;
            link.send(connect(client, &username(named), &token)).await;
            let answer = link.rest().await;
            assert_eq!(answer, REFUSED, "{client} as {named} over {way:?} with {token}");
        }
        // Whoever registers is no device yet.
        for other in ["devices/mine/messages/events/", "devices/victim/messages/events/", "$iothub/twin/GET/?$rid=1"] {
            is_fatal_to_registrant(&stage, way, &username("mine"), &mine, publish(other)).await;
        }
        for other in ["$iothub/twin/res/#", "devices/mine/messages/devicebound/#", "$dps/#", "#"] {
            is_fatal_to_registrant(&stage, way, &username("mine"), &mine, subscribe(other)).await;
        }
    }
    stage.is_untouched("a registration").await;
    stage.end().await;
}

async fn is_fatal_to_registrant(stage: &Stage, way: Way, username: &str, token: &str, packet: Vec<u8>) {
    let mut link = stage.dial(way).await;
    link.send(connect("mine", username, token)).await;
    assert_eq!(link.receive().await, ACCEPTED);
    link.send(packet).await;
    assert_eq!(link.rest().await, b"");
}

#[tokio::test]
async fn a_call_is_answered_by_its_device_alone() {
    let mut stage = Stage::new().await;
    let mut link = let_in(&stage, Way::Mqtt, "mine", MINE).await;
    let Stage { world, victim, .. } = &mut stage;
    let call = world.ask(Method::POST, "/twins/victim/methods", &[], json!({ "methodName": "m" }));
    let answer = async {
        let asked =
            victim.next(|packet| if let Incoming::Publish(publish) = packet { Some(publish) } else { None }).await;
        let rid = asked.topic.rsplit_once('=').unwrap().1.to_owned();
        link.send(publish(&format!("$iothub/methods/res/200/?$rid={rid}"))).await;
        assert_eq!(link.receive().await, b"\x40\x02\0\x01", "the forged answer was heard");
        victim.publish(&format!("$iothub/methods/res/201/?$rid={rid}"), "true").await;
        victim.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    };
    let (called, ()) = tokio::join!(call, answer);
    assert_eq!((called.status, called.body), (StatusCode::OK, json!({ "status": 201, "payload": true })));
    // What a device reports is about itself.
    link.send(publish("$iothub/twin/PATCH/properties/reported/?$rid=1")).await;
    assert_eq!(link.receive().await, b"\x40\x02\0\x01");
    drop(link);
    stage.is_untouched("a report").await;
    stage.end().await;
}
