//! The metrics that every configuration has (protocol reference 8.1), as queries.

use super::content::Content;
use crate::query::Target;

/// How many twins are meant.
pub(super) const TARGETED: &str = "targetedCount";

/// What is true for no device.
const NOBODY: &str = "deviceId = ''";

/// Names and texts.
pub(super) fn queries(id: &str, content: &Content, target: &str) -> Vec<(&'static str, String)> {
    let applied = format!("configurations.[[{id}]].status = 'Applied'");
    match content {
        Content::Device(_) => vec![
            (TARGETED, devices(target, "")),
            ("appliedCount", format!("select deviceId from devices where {applied}")),
        ],
        Content::Module(_) => vec![
            (TARGETED, modules(target)),
            ("appliedCount", format!("select deviceId from devices.modules where {applied}")),
        ],
        Content::Edge(_) => {
            let agents = format!("select deviceId from devices.modules where moduleId = '$edgeAgent' and {applied}");
            let heard = format!("{agents} and properties.desired.$version = properties.reported.lastDesiredVersion");
            vec![
                (TARGETED, devices(target, "capabilities.iotEdge = true")),
                ("appliedCount", agents),
                ("reportedSuccessfulCount", format!("{heard} and properties.reported.lastDesiredStatus.code = 200")),
                ("reportedFailedCount", format!("{heard} and properties.reported.lastDesiredStatus.code != 200")),
            ]
        }
    }
}

fn devices(target: &str, also: &str) -> String {
    let all = "select deviceId from devices";
    let target = Target::parse(target.trim()).ok();
    match (target.as_ref().map(Target::condition), also) {
        (Some(Some(condition)), "") => format!("{all} where {}", condition.text().trim()),
        (Some(Some(condition)), also) => format!("{all} where {also} and ({})", condition.text().trim()),
        (Some(None), "") => all.to_owned(),
        (Some(None), also) => format!("{all} where {also}"),
        (None, _) => format!("{all} where {NOBODY}"),
    }
}

fn modules(target: &str) -> String {
    let all = "select deviceId from devices.modules";
    let target = Target::parse(target.trim()).ok();
    match target.as_ref().map(Target::condition) {
        Some(Some(condition)) => format!("{all} where {}", condition.text().trim()),
        Some(None) => all.to_owned(),
        None => format!("{all} where {NOBODY}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;

    #[test]
    fn every_text_is_a_query() {
        let contents = [Content::Device(Vec::new()), Content::Module(Vec::new()), Content::Edge([].into())];
        for content in &contents {
            for target in ["", "*", " tags.a = 1 OR tags.b = 2", "from devices where tags.a = 1"] {
                if matches!(content, Content::Module(_)) && target.len() > 1 {
                    continue;
                }
                for (name, text) in queries("it's-50%", content, target) {
                    assert!(Query::parse(&text).is_ok(), "{name}: {text}");
                }
            }
        }
        let edge = &queries("a", &contents[2], "tags.a = 1 OR tags.b = 2")[0].1;
        assert_eq!(
            edge,
            "select deviceId from devices where capabilities.iotEdge = true and (tags.a = 1 OR tags.b = 2)"
        );
        let module = &queries("a", &contents[1], "FROM devices.modules WHERE tags.a = 1")[0].1;
        assert_eq!(module, "select deviceId from devices.modules where tags.a = 1");
    }
}
