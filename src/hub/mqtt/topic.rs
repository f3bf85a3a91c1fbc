//! The topics of one link (protocol reference 11.2 to 11.8). Whatever is not among them does not exist.

use super::super::ports::{LinkId, Qos, Subscriptions};
use crate::iothub::{Filter, Publish};

/// Longest request id that is taken, in bytes: it comes back in a topic with more around it.
const REQUEST_ID: usize = 1024;

/// The topic of a message, if it is one that `link` may publish to.
pub(super) fn published(topic: &str, link: &LinkId) -> Option<Publish> {
    let publish = topic.parse().ok()?;
    let own = match &publish {
        Publish::Telemetry { device, module, .. } => is(link, device, module.as_deref()),
        Publish::TwinGet { rid } | Publish::TwinPatchReported { rid, .. } => rid.len() <= REQUEST_ID,
        Publish::MethodResponse { .. } => true,
    };
    own.then_some(publish)
}

/// What a filter stands for among a link's subscriptions, if it is one that `link` may subscribe to.
pub(super) fn slot<'s>(
    filter: &str,
    link: &LinkId,
    subscriptions: &'s mut Subscriptions,
) -> Option<&'s mut Option<Qos>> {
    let (slot, own) = match &filter.parse().ok()? {
        Filter::TwinResponses => (&mut subscriptions.twin_responses, true),
        Filter::DesiredPatches => (&mut subscriptions.desired, true),
        Filter::Methods => (&mut subscriptions.methods, true),
        Filter::CloudToDevice { device } => (&mut subscriptions.messages, is(link, device, None)),
        Filter::ModuleInputs { device, module, .. } => (&mut subscriptions.inputs, is(link, device, Some(module))),
    };
    own.then_some(slot)
}

fn is(link: &LinkId, device: &str, module: Option<&str>) -> bool {
    link.device.as_str() == device && link.module.as_deref() == module
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::DeviceId;

    fn link(device: &str, module: Option<&str>) -> LinkId {
        LinkId { device: DeviceId::new(device).unwrap(), module: module.map(Into::into) }
    }

    #[test]
    fn a_link_publishes_only_as_itself() {
        let (device, module) = (link("d#1", None), link("d#1", Some("$m")));
        for (topic, for_device, for_module) in [
            ("$iothub/twin/GET/?$rid=1", true, true),
            ("$iothub/twin/PATCH/properties/reported/?$rid=1&$version=2", true, true),
            ("$iothub/methods/res/-7/?$rid=ff", true, true),
            ("devices/d#1/messages/events/a=b", true, false),
            ("devices/d#1/modules/$m/messages/events/", false, true),
            ("devices/d#1/modules/m/messages/events/", false, false),
            ("devices/d/messages/events/", false, false),
            ("$iothub/twin/PATCH/properties/desired/?$version=2", false, false),
            ("a/b", false, false),
        ] {
            assert_eq!(published(topic, &device).is_some(), for_device, "{topic}");
            assert_eq!(published(topic, &module).is_some(), for_module, "{topic}");
        }
    }

    #[test]
    fn a_request_id_that_no_answer_can_carry_is_refused() {
        let topic = |length| format!("$iothub/twin/GET/?$rid={}", "x".repeat(length));
        assert!(published(&topic(REQUEST_ID), &link("d", None)).is_some());
        assert!(published(&topic(REQUEST_ID + 1), &link("d", None)).is_none());
    }

    #[test]
    fn filters_belong_to_devices_or_modules() {
        let (device, module) = (link("d#1", None), link("d#1", Some("$m")));
        for (filter, for_device, for_module) in [
            ("$iothub/twin/res/#", true, true),
            ("$iothub/twin/PATCH/properties/desired/#", true, true),
            ("$iothub/methods/POST/#", true, true),
            ("devices/d#1/messages/devicebound/#", true, false),
            ("devices/d#1/modules/$m/inputs/#", false, true),
            ("devices/d#1/modules/$m/#", false, true),
            ("devices/d2/messages/devicebound/#", false, false),
            ("#", false, false),
        ] {
            let mut subscriptions = Subscriptions::default();
            assert_eq!(slot(filter, &device, &mut subscriptions).is_some(), for_device, "{filter}");
            assert_eq!(slot(filter, &module, &mut subscriptions).is_some(), for_module, "{filter}");
        }
    }
}
