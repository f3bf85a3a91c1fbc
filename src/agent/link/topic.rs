//! The topics of a device (protocol reference 11).

/// What the agent listens to.
pub(super) const FILTERS: [&str; 3] =
    ["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#", "$iothub/methods/POST/#"];

/// What a topic of the hub says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    Answer { status: u16, rid: &'a str, version: Option<u64> },
    Desired { version: Option<u64> },
    Method { name: &'a str, rid: &'a str },
}

pub(super) fn get(rid: &str) -> String {
    format!("$iothub/twin/GET/?$rid={rid}")
}

pub(super) fn report(rid: &str) -> String {
    format!("$iothub/twin/PATCH/properties/reported/?$rid={rid}")
}

pub(super) fn respond(status: i32, rid: &str) -> String {
    format!("$iothub/methods/res/{status}/?$rid={rid}")
}

/// Reads a topic; `None` when it is none that the agent listens to.
pub(super) fn parse(topic: &str) -> Option<Incoming<'_>> {
    let (path, query) = topic.split_once("/?").unwrap_or((topic.trim_end_matches('/'), ""));
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
    };
    let version = || value("$version").and_then(|version| version.parse().ok());
    if let Some(status) = path.strip_prefix("$iothub/twin/res/") {
        return Some(Incoming::Answer { status: status.parse().ok()?, rid: value("$rid")?, version: version() });
    }
    if path == "$iothub/twin/PATCH/properties/desired" {
        return Some(Incoming::Desired { version: version() });
    }
    let name = path.strip_prefix("$iothub/methods/POST/")?;
    Some(Incoming::Method { name, rid: value("$rid")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_topics_are_read() {
        let answer = Incoming::Answer { status: 204, rid: "7", version: Some(12) };
        assert_eq!(parse("$iothub/twin/res/204/?$rid=7&$version=12"), Some(answer));
        let desired = "$iothub/twin/PATCH/properties/desired/?$version=3";
        assert_eq!(parse(desired), Some(Incoming::Desired { version: Some(3) }));
        let method = Incoming::Method { name: "twinops*recheck", rid: "1a" };
        assert_eq!(parse("$iothub/methods/POST/twinops*recheck/?$rid=1a"), Some(method));
    }

    #[test]
    fn other_topics_are_not() {
        for topic in ["", "devices/d1/messages/devicebound/", "$iothub/twin/res/ok/?$rid=1", "$iothub/methods/POST/x/"] {
            assert_eq!(parse(topic), None, "{topic}");
        }
    }
}
