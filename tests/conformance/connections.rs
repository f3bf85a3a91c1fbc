//! How devices and modules are let in, and cut.

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use rustls::RootCertStore;
use serde_json::json;
use twinops::iothub::{CLOCK_SKEW_SECONDS, Key, sign};

use super::{
    link::{Certificate, Proof, Refused, WAYS, Way},
    support::{FOREVER, World, key_of},
};

impl World {
    /// Makes a device that is known by the thumbprint of a certificate.
    async fn certified(&self, id: &str) -> Certificate {
        let certificate = Certificate::new(id);
        let prints = json!({"primaryThumbprint": "0".repeat(64), "secondaryThumbprint": certificate.thumbprint()});
        let authentication = json!({"type": "selfSigned", "x509Thumbprint": prints});
        let body = json!({"deviceId": id, "authentication": authentication});
        self.put(&format!("/devices/{id}"), body).await.ok();
        certificate
    }
}

/// Protocol reference 17.20. SDKs write the id as it is or escaped, before or after other parameters.
#[tokio::test]
async fn a_model_id_announced_at_connect_is_in_the_twin() {
    let world = World::start().await;
    let key = world.device("d1").await;
    let module = json!({"deviceId": "d1", "moduleId": "m1"});
    let module = key_of(&world.put("/devices/d1/modules/m1", module).await.ok());
    let certificate = world.certified("x1").await;
    let clients = [
        ("d1", "/twins/d1", Proof::Key(&key)),
        ("d1/m1", "/twins/d1/modules/m1", Proof::Key(&module)),
        ("x1", "/twins/x1", Proof::Certificate(&certificate)),
    ];
    for (id, twin, proof) in &clients {
        assert_eq!(world.get(twin).await.ok()["modelId"], json!(""), "{id}");
        for (number, way) in (1..).zip(WAYS) {
            let [raw, other] = ["Thermostat", "Fan"].map(|name| format!("dtmi:com:example:{name};{number}"));
            let escaped = other.replace(':', "%3A").replace(';', "%3B");
            for (model, more) in [
                (raw.clone(), format!("&model-id={raw}&DeviceClientType=node%2F1")),
                (other, format!("&DeviceClientType=py%2F2&model-id={escaped}")),
            ] {
                let _link = world.dial(way, id, &more, proof).await.unwrap();
                assert_eq!(world.get(twin).await.ok()["modelId"], json!(model), "{id} {way:?}");
            }
        }
    }
    world.end().await;
}

/// Protocol reference 17.21.
#[tokio::test]
async fn a_second_connection_with_the_same_id_ends_the_first() {
    let world = World::start().await;
    let key = world.device("d1").await;
    let module = json!({"deviceId": "d1", "moduleId": "m1"});
    let module = world.connect("d1/m1", &key_of(&world.put("/devices/d1/modules/m1", module).await.ok())).await;
    let mut last = world.connect("d1", &key).await;
    for way in [Way::WebSocket, Way::WebSocket, Way::Tcp, Way::Tcp] {
        let next = world.dial(way, "d1", "", &Proof::Key(&key)).await.unwrap();
        last.closed().await;
        last = next;
    }
    last.subscribe("$iothub/twin/res/#").await;
    assert_eq!(last.twin().await["desired"]["$version"], json!(1));
    assert_eq!(world.get("/twins/d1").await.ok()["connectionState"], json!("Connected"));
    // Modules connect apart from their device.
    let mut module = module;
    module.subscribe("$iothub/twin/res/#").await;
    assert_eq!(module.twin().await["desired"]["$version"], json!(1));
    world.end().await;
}

/// Protocol reference 17.22.
#[tokio::test]
async fn a_client_that_trusts_another_authority_fails_in_tls_whatever_the_transport() {
    let mut world = World::start().await;
    let key = world.device("d1").await;
    let mut others = RootCertStore::empty();
    others.add(Certificate::new("localhost").der).unwrap();
    let own = std::mem::replace(&mut world.roots, others);
    for way in WAYS {
        let refused = world.dial(way, "d1", "", &Proof::Key(&key)).await.err();
        let Some(Refused::Tls(error)) = &refused else { panic!("{way:?}: {refused:?}") };
        let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        assert!(matches!(error, Some(rustls::Error::InvalidCertificate(_))), "{way:?}: {refused:?}");
    }
    world.roots = own;
    for way in WAYS {
        world.dial(way, "d1", "", &Proof::Key(&key)).await.unwrap();
    }
    world.end().await;
}

/// Protocol reference 17.25.
#[tokio::test]
async fn whoever_cannot_prove_who_it_is_gets_return_code_5() {
    let world = World::start().await;
    let (key, other) = (world.device("d1").await, Key::from_bytes(&[7; 32]).unwrap());
    let (certificate, stranger) = (world.certified("x1").await, Certificate::new("x1"));
    let now = jiff::Timestamp::now().as_second().unsigned_abs();
    let resource = format!("{}/devices/d1", world.host);
    let expired = sign(&resource, &key, now - CLOCK_SKEW_SECONDS - 1, None);
    let foreign = sign(&format!("{}/devices/d", world.host), &key, FOREVER, None);
    let refused = [
        ("d1", Proof::Key(&other)),
        ("d1", Proof::Token(&expired)),
        ("d1", Proof::Token(&foreign)),
        ("d1", Proof::Token("no token at all")),
        ("d1", Proof::Token("")),
        ("nobody", Proof::Key(&key)),
        ("d1/nobody", Proof::Key(&key)),
        ("not an id", Proof::Key(&key)),
        ("D1", Proof::Key(&key)),
        ("x1", Proof::Certificate(&stranger)),
        ("d1", Proof::Certificate(&certificate)),
        ("x1", Proof::Key(&key)),
    ];
    for way in WAYS {
        for (number, (id, proof)) in refused.iter().enumerate() {
            let answer = world.dial(way, id, "", proof).await.err();
            let right = matches!(answer, Some(Refused::Code(ConnectReturnCode::NotAuthorized)));
            assert!(right, "{number} {id} {way:?}: {answer:?}");
        }
        world.dial(way, "d1", "", &Proof::Key(&key)).await.unwrap();
        world.dial(way, "x1", "", &Proof::Certificate(&certificate)).await.unwrap();
    }
    world.end().await;
}
