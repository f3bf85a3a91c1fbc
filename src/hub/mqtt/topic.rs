//! The topics of one link (protocol reference 11.2 to 11.8). Whatever is not among them does not exist.

use super::super::ports::LinkId;

/// Longest request id that is taken, in bytes: it comes back in a topic with more around it.
const REQUEST_ID: usize = 1024;

/// What a device publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upward<'a> {
    GetTwin { rid: &'a str },
    Reported { rid: &'a str, version: Option<&'a str> },
    MethodAnswer { rid: &'a str, status: i32 },
    Telemetry { properties: &'a str },
}

impl<'a> Upward<'a> {
    /// Reads the topic of a message that `link` published.
    pub(super) fn parse(topic: &'a str, link: &LinkId) -> Option<Self> {
        let Some(hub) = topic.strip_prefix("$iothub/") else {
            return telemetry(topic, link).map(|properties| Self::Telemetry { properties });
        };
        if let Some(query) = hub.strip_prefix("twin/GET/") {
            return Some(Self::GetTwin { rid: rid(query)? });
        }
        if let Some(query) = hub.strip_prefix("twin/PATCH/properties/reported/") {
            return Some(Self::Reported { rid: rid(query)?, version: parameter(query, "$version") });
        }
        let (status, query) = hub.strip_prefix("methods/res/")?.split_once('/')?;
        Some(Self::MethodAnswer { rid: rid(query)?, status: status.parse().ok()? })
    }
}

fn rid(query: &str) -> Option<&str> {
    parameter(query, "$rid").filter(|rid| rid.len() <= REQUEST_ID)
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.strip_prefix('?')?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

/// The properties in a telemetry topic, without the slash that some SDKs end them with; `None` for other topics.
pub(super) fn telemetry<'a>(topic: &'a str, link: &LinkId) -> Option<&'a str> {
    let rest = own(topic, link)?.strip_prefix("messages/events")?;
    let properties = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
    Some(properties.strip_suffix('/').unwrap_or(properties))
}

/// Stands for the retain flag of a message, which nobody here retains.
pub(super) const RETAINED: &str = "mqtt-retain=true";

/// Adds an encoded property to encoded properties.
pub(super) fn with_property(properties: &str, property: &str) -> String {
    let separator = if properties.is_empty() { "" } else { "&" };
    format!("{properties}{separator}{property}")
}

/// What stands behind `devices/{id}/` or `devices/{id}/modules/{module}/`.
fn own<'a>(topic: &'a str, link: &LinkId) -> Option<&'a str> {
    let rest = topic.strip_prefix("devices/")?.strip_prefix(link.device.as_str())?.strip_prefix('/')?;
    match &link.module {
        None => Some(rest),
        Some(module) => rest.strip_prefix("modules/")?.strip_prefix(&**module)?.strip_prefix('/'),
    }
}

/// What a device may subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    TwinResponses,
    Desired,
    Methods,
    Messages,
    Inputs,
}

impl Filter {
    /// Reads a filter that `link` wishes.
    pub(super) fn parse(filter: &str, link: &LinkId) -> Option<Self> {
        Some(match filter {
            "$iothub/twin/res/#" => Self::TwinResponses,
            "$iothub/twin/PATCH/properties/desired/#" => Self::Desired,
            "$iothub/methods/POST/#" => Self::Methods,
            other => match (own(other, link)?, &link.module) {
                ("messages/devicebound/#", None) => Self::Messages,
                ("#" | "inputs/#", Some(_)) => Self::Inputs,
                _ => return None,
            },
        })
    }
}

/// The topic of a twin response. The request id stands before the version: some SDKs go by position.
pub(super) fn twin_response(status: u16, rid: &str, version: Option<u64>) -> String {
    match version {
        None => format!("$iothub/twin/res/{status}/?$rid={rid}"),
        Some(version) => format!("$iothub/twin/res/{status}/?$rid={rid}&$version={version}"),
    }
}

/// The topic of a desired notification.
pub(super) fn desired(version: u64) -> String {
    format!("$iothub/twin/PATCH/properties/desired/?$version={version}")
}

/// The topic of a method call.
pub(super) fn method_call(method: &str, rid: u32) -> String {
    format!("$iothub/methods/POST/{method}/?$rid={rid:x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::twin::DeviceId;

    fn link(device: &str, module: Option<&str>) -> LinkId {
        LinkId { device: DeviceId::new(device).unwrap(), module: module.map(Into::into) }
    }

    #[test]
    fn published_topics_are_told_apart() {
        let d1 = link("d1", None);
        for (topic, told) in [
            ("$iothub/twin/GET/?$rid=A-b/1", Upward::GetTwin { rid: "A-b/1" }),
            (
                "$iothub/twin/PATCH/properties/reported/?$version=7&$rid=1",
                Upward::Reported { rid: "1", version: Some("7") },
            ),
            ("$iothub/methods/res/-7/?$rid=ff", Upward::MethodAnswer { rid: "ff", status: -7 }),
            ("devices/d1/messages/events", Upward::Telemetry { properties: "" }),
            ("devices/d1/messages/events/", Upward::Telemetry { properties: "" }),
            ("devices/d1/messages/events/a=b%2F/", Upward::Telemetry { properties: "a=b%2F" }),
        ] {
            assert_eq!(Upward::parse(topic, &d1), Some(told), "{topic}");
        }
    }

    #[test]
    fn what_is_not_documented_or_not_its_own_does_not_exist() {
        let d1 = link("d1", None);
        for topic in [
            "",
            "a/b",
            "$iothub/twin/GET/",
            "$iothub/twin/GET/?rid=1",
            "$iothub/twin/get/?$rid=1",
            "$iothub/methods/res/x/?$rid=1",
            "$iothub/methods/res/99999999999/?$rid=1",
            "devices/d2/messages/events/",
            "devices/d1x/messages/events/",
            "devices/d1/messages/eventsx",
            "devices/d1/modules/m1/messages/events/",
        ] {
            assert_eq!(Upward::parse(topic, &d1), None, "{topic}");
        }
        let long = format!("$iothub/twin/GET/?$rid={}", "x".repeat(1025));
        assert_eq!(Upward::parse(&long, &d1), None);
    }

    #[test]
    fn filters_belong_to_devices_or_modules() {
        let (device, module) = (link("d#1", None), link("d#1", Some("$m")));
        for (filter, for_device, for_module) in [
            ("$iothub/twin/res/#", Some(Filter::TwinResponses), Some(Filter::TwinResponses)),
            ("$iothub/twin/PATCH/properties/desired/#", Some(Filter::Desired), Some(Filter::Desired)),
            ("$iothub/methods/POST/#", Some(Filter::Methods), Some(Filter::Methods)),
            ("devices/d#1/messages/devicebound/#", Some(Filter::Messages), None),
            ("devices/d#1/modules/$m/inputs/#", None, Some(Filter::Inputs)),
            ("devices/d#1/modules/$m/#", None, Some(Filter::Inputs)),
            ("devices/d2/messages/devicebound/#", None, None),
            ("#", None, None),
            ("$iothub/#", None, None),
        ] {
            assert_eq!(Filter::parse(filter, &device), for_device, "{filter}");
            assert_eq!(Filter::parse(filter, &module), for_module, "{filter}");
        }
    }

    proptest! {
        #[test]
        fn a_request_id_comes_back_verbatim(id in "[^&\0]{0,60}") {
            let topic = format!("$iothub/twin/GET/?$rid={id}");
            prop_assert_eq!(Upward::parse(&topic, &link("d1", None)), Some(Upward::GetTwin { rid: &id }));
            prop_assert_eq!(twin_response(200, &id, None), format!("$iothub/twin/res/200/?$rid={id}"));
        }

        #[test]
        fn any_topic_is_read_without_a_panic(topic in ".{0,80}") {
            let _ = Upward::parse(&topic, &link("d1", None));
            let _ = Filter::parse(&topic, &link("d1", Some("m")));
        }
    }
}
