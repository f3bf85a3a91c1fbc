//! Topics as the SDKs write them, and round trips.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const ID: &str = "[a-zA-Z0-9:.%_*?!(),=@;$'-]{1,12}";
const RID: &str = "[a-zA-Z0-9-]{1,36}";

fn publish(topic: &str) -> Publish {
    topic.parse().unwrap_or_else(|error| panic!("{topic}: {error}"))
}

#[test]
fn a_python_message_with_properties_reads() {
    let topic = "devices/p1/messages/events/%24.mid=mid&%24.ct=application%2Fjson&k%201=v%26%3D&n&e=&p=a+b";
    let Publish::Telemetry { device, module: None, properties } = publish(topic) else { panic!("{topic}") };
    assert_eq!(
        (device.as_str(), properties.get("$.ct"), properties.get("k 1")),
        ("p1", Some("application/json"), Some("v&="))
    );
    assert_eq!(properties.get("p"), Some("a+b"));
    assert_eq!(properties.iter().skip(3).take(2).collect::<Vec<_>>(), [("n", None), ("e", Some(""))]);
}

#[test]
fn a_module_message_may_end_in_a_slash_and_a_device_message_without_one() {
    let Publish::Telemetry { module, properties, .. } = publish("devices/d/modules/m/messages/events/%24.on=o/") else {
        panic!()
    };
    assert_eq!((module.as_deref(), properties.get("$.on")), (Some("m"), Some("o")));
    assert!(
        matches!(publish("devices/d/messages/events"), Publish::Telemetry { properties, .. } if properties.is_empty())
    );
}

#[test]
fn requests_read_in_any_order_and_echo_their_rid() {
    let patch = Publish::TwinPatchReported { rid: "7F-a".to_owned(), version: Some(3) };
    assert_eq!(publish("$iothub/twin/PATCH/properties/reported/?$version=3&$rid=7F-a"), patch);
    assert_eq!(publish("$iothub/twin/PATCH/properties/reported/?%24rid=7F-a&$version=3"), patch);
    assert_eq!(publish("$iothub/twin/GET/?$rid=%41"), Publish::TwinGet { rid: "%41".to_owned() });
    assert_eq!(publish("$iothub/methods/res/-5/?$rid=1"), Publish::MethodResponse { status: -5, rid: "1".to_owned() });
}

#[test]
fn the_rid_stands_before_the_version() {
    let answer = Deliver::TwinResponse { status: 204, rid: "9".to_owned(), version: Some(2) };
    assert_eq!(answer.to_string(), "$iothub/twin/res/204/?$rid=9&$version=2");
}

#[test]
fn a_question_mark_before_the_first_property_is_dropped() {
    let deliver: Deliver = "devices/d1/messages/devicebound/?%24.ack=none".parse().unwrap();
    assert!(matches!(deliver, Deliver::CloudToDevice { properties, .. } if properties.get("$.ack") == Some("none")));
}

#[test]
fn anything_else_is_an_error() {
    for topic in [
        "",
        "devices/d1/messages/eventsx",
        "devices//messages/events/",
        "devices/d1/messages/devicebound/",
        "devices/d1/modules//messages/events/",
        "$iothub/twin/GET/?$rid=",
        "$iothub/twin/GET/",
        "$iothub/twin/get/?$rid=1",
        "$iothub/methods/res/x/?$rid=1",
        "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=-1",
        "$iothub/twin/PATCH/properties/desired/?$rid=1",
        "other/topic",
    ] {
        assert!(topic.parse::<Publish>().is_err(), "{topic}");
    }
    for filter in ["#", "+/#", "devices/d1/#", "$iothub/#", "$iothub/twin/res/+", "devices/d/modules/m/outputs/#", ""] {
        assert!(filter.parse::<Filter>().is_err(), "{filter}");
    }
    assert!("devices/d/messages/events/%ff".parse::<Publish>().is_err());
}

fn properties() -> impl Strategy<Value = Properties> {
    vec((".{1,6}", option::of(".{0,6}")), 0..4).prop_map(|pairs| {
        let mut properties = Properties::default();
        for (key, value) in pairs {
            properties.push(key, value.as_deref());
        }
        properties
    })
}

fn any_publish() -> impl Strategy<Value = Publish> {
    prop_oneof![
        (ID, option::of(ID), properties()).prop_map(|(device, module, properties)| Publish::Telemetry {
            device,
            module,
            properties
        }),
        RID.prop_map(|rid| Publish::TwinGet { rid }),
        (RID, any::<Option<u64>>()).prop_map(|(rid, version)| Publish::TwinPatchReported { rid, version }),
        (any::<i32>(), RID).prop_map(|(status, rid)| Publish::MethodResponse { status, rid }),
    ]
}

fn any_deliver() -> impl Strategy<Value = Deliver> {
    prop_oneof![
        (any::<u16>(), RID, any::<Option<u64>>()).prop_map(|(status, rid, version)| Deliver::TwinResponse {
            status,
            rid,
            version
        }),
        any::<u64>().prop_map(|version| Deliver::DesiredPatch { version }),
        ("[a-zA-Z0-9._*-]{1,9}", RID).prop_map(|(name, rid)| Deliver::Method { name, rid }),
        (ID, properties()).prop_map(|(device, properties)| Deliver::CloudToDevice { device, properties }),
        (ID, ID, "[a-z]{1,5}", properties()).prop_map(|(device, module, input, properties)| Deliver::ModuleInput {
            device,
            module,
            input,
            properties
        }),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        ID.prop_map(|device| Filter::CloudToDevice { device }),
        (ID, ID, any::<bool>()).prop_map(|(device, module, all)| Filter::ModuleInputs { device, module, all }),
        prop::sample::select(vec![Filter::TwinResponses, Filter::DesiredPatches, Filter::Methods]),
    ]
}

proptest! {
    #[test]
    fn what_a_device_publishes_round_trips(publish in any_publish()) {
        prop_assert_eq!(publish.to_string().parse::<Publish>(), Ok(publish));
    }

    #[test]
    fn what_a_hub_delivers_round_trips(deliver in any_deliver()) {
        prop_assert_eq!(deliver.to_string().parse::<Deliver>(), Ok(deliver));
    }

    #[test]
    fn subscriptions_round_trip(filter in any_filter()) {
        prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
    }

    #[test]
    fn no_topic_makes_a_parser_panic(
        text in any::<String>(),
        topic in "(\\$iothub|devices|twin|methods|res|POST|GET|d1|modules|messages|events|/|\\?|\\$rid|=|&|%f|#|1){0,20}",
    ) {
        for topic in [&text, &topic] {
            let _ = topic.parse::<Publish>();
            let _ = topic.parse::<Deliver>();
            let _ = topic.parse::<Filter>();
        }
    }
}
