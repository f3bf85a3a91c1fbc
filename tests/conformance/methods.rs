//! Direct methods.

use serde_json::{Value, json};

use super::{
    link::{Link, Proof, Way},
    support::{FOREVER, World},
};
use twinops::iothub::sign;

const METHODS: &str = "$iothub/methods/POST/#";

impl World {
    /// A connected device that takes calls.
    async fn callee(&self, id: &str) -> Link {
        let key = self.device(id).await;
        let mut link = self.connect(id, &key).await;
        link.subscribe(METHODS).await;
        link
    }

    /// Calls a method of `d1` while `device` answers with `status` and `body`; the service's answer, and what the
    /// device was asked.
    async fn call(
        &self,
        device: &mut Link,
        call: Value,
        status: i32,
        body: impl Fn(&Value) -> String,
    ) -> (Value, Value) {
        let name = call["methodName"].as_str().unwrap().to_owned();
        let (answer, asked) = tokio::join!(self.post("/twins/d1/methods", call), device.answer(&name, status, body));
        (answer.ok(), asked)
    }
}

/// Protocol reference 17.16.
#[tokio::test]
async fn payloads_go_to_the_device_and_come_back_unchanged_under_any_status() {
    let world = World::start().await;
    let mut device = world.callee("d1").await;
    for payload in [Value::Null, json!(""), json!("foo"), json!({"k1": "v1"}), json!({})] {
        for status in [200, 400] {
            let call = json!({"methodName": "echo", "payload": payload, "responseTimeoutInSeconds": 20});
            let (answer, asked) = world.call(&mut device, call, status, Value::to_string).await;
            assert_eq!((answer, asked), (json!({"status": status, "payload": payload}), payload.clone()));
        }
    }
    world.end().await;
}

/// Protocol reference 17.17. A renewal is a link with a newer token in the place of the older one; not every SDK
/// subscribes again.
#[tokio::test]
async fn methods_keep_working_after_the_token_was_renewed() {
    let world = World::start().await;
    let key = world.device("d1").await;
    let token = |expiry| sign(&format!("{}/devices/d1", world.host), &key, expiry, None);
    let mut device = world.dial(Way::Tcp, "d1", "", &Proof::Token(&token(FOREVER))).await.unwrap();
    device.subscribe(METHODS).await;
    let call = json!({"methodName": "m", "connectTimeoutInSeconds": 20, "responseTimeoutInSeconds": 20});
    for later in 1..4 {
        let (answer, _) = world.call(&mut device, call.clone(), 200, |_| later.to_string()).await;
        assert_eq!(answer, json!({"status": 200, "payload": later}));
        let renewed = world.dial(Way::Tcp, "d1", "", &Proof::Token(&token(FOREVER + later))).await.unwrap();
        device.closed().await;
        device = renewed;
    }
    world.end().await;
}

/// Protocol reference 17.26.
#[tokio::test]
async fn a_call_without_payload_and_response_timeout_is_valid_and_absent_is_null() {
    let world = World::start().await;
    let mut device = world.callee("d1").await;
    for (call, asked) in [
        (json!({"methodName": "m", "connectTimeoutInSeconds": 30}), Value::Null),
        (json!({"methodName": "m", "connectTimeoutInSeconds": 30, "payload": 7}), json!(7)),
    ] {
        let (answer, heard) = world.call(&mut device, call, 299, |_| String::new()).await;
        assert_eq!((answer, heard), (json!({"status": 299, "payload": null}), asked));
    }
    let longer = json!({"methodName": "m", "connectTimeoutInSeconds": 31});
    world.post("/twins/d1/methods", longer).await.refused(400, "ArgumentInvalid");
    world.end().await;
}
