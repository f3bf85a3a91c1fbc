//! The metrics that every configuration has (protocol reference 8.1), as queries.

use super::content::Content;

/// How many twins are meant.
pub(super) const TARGETED: &str = "targetedCount";

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
    match (target.trim(), also) {
        ("", _) => format!("{all} where deviceId = ''"),
        ("*", "") => all.to_owned(),
        ("*", also) => format!("{all} where {also}"),
        (target, _) if begins_with_from(target) => format!("select deviceId {target}"),
        (target, "") => format!("{all} where {target}"),
        (target, also) => format!("{all} where {also} and ({target})"),
    }
}

fn modules(target: &str) -> String {
    match target.trim() {
        "" => "select deviceId from devices.modules where deviceId = ''".to_owned(),
        "*" => "select deviceId from devices.modules".to_owned(),
        target => format!("select deviceId {target}"),
    }
}

fn begins_with_from(target: &str) -> bool {
    target.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("from"))
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
        assert_eq!(
            queries("a", &contents[1], "FROM devices.modules WHERE tags.a = 1")[0].1,
            "select deviceId FROM devices.modules WHERE tags.a = 1"
        );
    }
}
