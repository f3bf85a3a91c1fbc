//! From IoT Hub configurations to profiles (protocol reference 8): `targetCondition` becomes `where`, the desired
//! properties of `content.deviceContent` become `desired`, and of two that set one path the same one wins.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Options, SCHEMA, SecretsFound, judge,
    render::{self, ProfileText},
    scope::Scope,
};
use crate::{
    component::{Convention, Registry, pnp},
    fleet::{self, Finding, Severity, Source, SourceFile, Target},
    query::Condition,
    twin::{Map, PropertyPath, Section, merge, remove_path, set_path},
};

/// Profiles that say what configurations say, not written yet.
#[derive(Debug)]
pub struct Profiles {
    /// The text of every file, by its path below the fleet's root.
    pub files: BTreeMap<String, String>,
    /// How many profiles.
    pub profiles: usize,
    /// Configurations that no profile can stand for, and why.
    pub left_out: Vec<(String, String)>,
    /// Two had the same priority, which profiles may not: all were numbered anew.
    pub renumbered: bool,
}

/// A configuration as the hub tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    id: String,
    #[serde(default)]
    target_condition: Option<String>,
    #[serde(default)]
    priority: i64,
    #[serde(default)]
    created_time_utc: Option<String>,
    #[serde(default)]
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    device_content: Option<Map>,
}

/// One that becomes a profile.
struct Kept {
    configuration: Configuration,
    condition: Option<String>,
    desired: Map,
}

/// Makes profiles of configurations. What is outside of `only` and inside of `skip` is left to them.
///
/// # Errors
/// When secrets stand in them, which would stand in git then.
pub fn profiles(all: &[Value], options: &Options, registry: &Registry) -> Result<Profiles, SecretsFound> {
    let scope = Scope::of(Section::Desired, &options.only, &options.skip);
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for one in all {
        let id = one.get("id").and_then(Value::as_str).unwrap_or("?").to_owned();
        match read(one, &scope, registry) {
            Ok(one) => kept.push(one),
            Err(reason) => left_out.push((id, reason)),
        }
    }
    refuse_marked(&kept, registry)?;
    // Of two with one priority the hub lets the one win that was made last (protocol reference 8.4).
    kept.sort_by(|a, b| {
        let rank = |kept: &Kept| (kept.configuration.priority, kept.configuration.created_time_utc.clone());
        rank(a).cmp(&rank(b)).then_with(|| a.configuration.id.cmp(&b.configuration.id))
    });
    let renumbered = kept.windows(2).any(|two| two[0].configuration.priority == two[1].configuration.priority);
    let mut files = BTreeMap::new();
    files.insert("fleet.yaml".to_owned(), render::fleet(&options.name, options.hostname.as_deref()));
    let schema = fleet::schema_files(registry).remove(SCHEMA);
    files.extend(schema.map(|text| (format!("schemas/{SCHEMA}"), text)));
    let mut by_file = BTreeMap::new();
    for (at, one) in kept.into_iter().enumerate() {
        let priority =
            if renumbered { 10 * (at + 1) } else { usize::try_from(one.configuration.priority).unwrap_or(0) };
        let path = free_path(&files, &one.configuration.id);
        files.insert(path.clone(), text(&one, priority));
        by_file.insert(path, one.configuration.id);
    }
    for (file, message) in faults(&files)? {
        files.remove(&file);
        left_out.extend(by_file.remove(&file).map(|id| (id, message)));
    }
    Ok(Profiles { files, profiles: by_file.len(), left_out, renumbered })
}

/// A configuration that a profile can stand for.
fn read(one: &Value, scope: &Scope, registry: &Registry) -> Result<Kept, String> {
    let configuration = Configuration::deserialize(one).map_err(|error| format!("it cannot be read: {error}"))?;
    let Some(content) = &configuration.content.device_content else {
        return Err("it is for modules, and profiles are for devices".to_owned());
    };
    let condition = match configuration.target_condition.as_deref().map(str::trim).unwrap_or_default() {
        "" => return Err("it targets no device".to_owned()),
        "*" => None,
        text => {
            Condition::parse(text).map_err(|error| format!("its target condition cannot be read: {error}"))?;
            Some(text.to_owned())
        }
    };
    let mut desired = Map::new();
    for (key, value) in content {
        let path: PropertyPath = key.parse().map_err(|error| format!("`{key}`: {error}"))?;
        match (path.section, value) {
            (Section::Desired, Value::Object(members)) if path.keys.is_empty() => merge(&mut desired, members),
            (Section::Desired, value) if !path.keys.is_empty() => {
                let mut section = Map::new();
                set_path(&mut section, &path.keys, value.clone());
                merge(&mut desired, &section);
            }
            _ => return Err(format!("`{key}` is no part of the desired properties")),
        }
    }
    let desired = without_markers(scope.members(&mut Vec::new(), desired), registry);
    if desired.is_empty() {
        return Err("nothing of it is imported".to_owned());
    }
    Ok(Kept { configuration, condition, desired })
}

/// What marks a component is the tool's to write.
fn without_markers(mut desired: Map, registry: &Registry) -> Map {
    let is_marked =
        |piece: &crate::component::Piece<'_>| piece.convention() == Convention::Pnp && pnp::is_component(piece.value);
    let marked: Vec<Vec<Arc<str>>> =
        registry.pieces(&desired).iter().filter(|piece| is_marked(piece)).map(|piece| piece.keys.clone()).collect();
    for mut keys in marked {
        keys.push(pnp::MARKER.into());
        remove_path(&mut desired, &keys);
    }
    desired
}

/// What schemas mark as secret is not written.
fn refuse_marked(kept: &[Kept], registry: &Registry) -> Result<(), SecretsFound> {
    let mut found = BTreeMap::new();
    for way in kept.iter().flat_map(|one| registry.sensitive(&one.desired)) {
        *found.entry(Section::Desired.path(way).to_string()).or_insert(0) += 1;
    }
    if found.is_empty() { Ok(()) } else { Err(SecretsFound(found)) }
}

fn text(one: &Kept, priority: usize) -> String {
    let Configuration { id, priority: before, .. } = &one.configuration;
    let Value::Object(desired) = judge::escaped(&json!(one.desired)) else { return String::new() };
    let (name, condition) = (id.clone(), one.condition.clone());
    let profile = ProfileText { name, condition, priority, devices: 0, desired };
    render::profile_with(&profile, &format!("The configuration of this name, whose priority was {before}."))
}

/// A path that no other profile has: ids may differ in signs alone.
fn free_path(files: &BTreeMap<String, String>, id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = id.chars().map(plain).collect();
    let mut path = format!("profiles/{name}.yaml");
    let mut number = 1;
    while files.contains_key(&path) {
        number += 1;
        path = format!("profiles/{name}-{number}.yaml");
    }
    path
}

/// Files that a fleet may not have, and why; secrets that are found by their looks.
fn faults(files: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, SecretsFound> {
    let file =
        |(path, text): (&String, &String)| SourceFile { path: path.as_str().into(), text: text.as_bytes().into() };
    let loaded = fleet::load(&Source::from_files(files.iter().map(file)));
    let mut secrets = BTreeMap::new();
    let (mut told, mut faults) = (BTreeSet::new(), Vec::new());
    for finding in &loaded.findings {
        let Some(place) = &finding.place else { continue };
        if finding.rule.contains("secret") {
            *secrets.entry(path_of(finding)).or_insert(0) += 1;
        } else if finding.severity == Severity::Error && told.insert(&place.file) {
            faults.push((place.file.to_string(), finding.message.clone()));
        }
    }
    if secrets.is_empty() { Ok(faults) } else { Err(SecretsFound(secrets)) }
}

/// Where in the twin: never the value.
fn path_of(finding: &Finding) -> String {
    let Some(Target::Value(way) | Target::Key(way) | Target::Part { pointer: way, .. }) =
        finding.place.as_ref().map(|place| &place.target)
    else {
        return "properties.desired".to_owned();
    };
    let keys = way.strip_prefix("/spec/desired").unwrap_or(way).replace('/', ".").replace("~1", "/").replace("~0", "~");
    format!("properties.desired{keys}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(id: &str, target: &str, priority: i64, content: Value) -> Value {
        json!({
            "id": id, "targetCondition": target, "priority": priority, "createdTimeUtc": format!("2026-01-01T00:00:0{}Z", id.len()),
            "content": { "deviceContent": content },
        })
    }

    fn made(all: &[Value]) -> Result<Profiles, SecretsFound> {
        let options = Options { name: "test".to_owned(), ..Options::default() };
        profiles(all, &options, &Registry::builtin())
    }

    /// The fleet that the files are.
    fn loaded(made: &Profiles) -> Arc<fleet::Fleet> {
        let file =
            |(path, text): (&String, &String)| SourceFile { path: path.as_str().into(), text: text.as_bytes().into() };
        let loaded = fleet::load(&Source::from_files(made.files.iter().map(file)));
        let errors: Vec<_> = loaded.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        loaded.fleet.unwrap()
    }

    #[test]
    fn condition_content_and_priority_become_those_of_a_profile() {
        let all = [
            configuration(
                "fw-stable",
                "tags.site='munich'",
                10,
                json!({ "properties.desired.fw": { "channel": "${x}" } }),
            ),
            configuration(
                "all",
                "*",
                1,
                json!({ "properties.desired": { "fw": { "on": true } }, "properties.desired.a.b": 1 }),
            ),
        ];
        let made = made(&all).unwrap();
        assert!((made.profiles, made.renumbered) == (2, false) && made.left_out.is_empty(), "{made:?}");
        let fleet = loaded(&made);
        let told: Vec<_> = fleet.profiles.iter().map(|p| (&*p.name, p.priority, p.condition.is_some())).collect();
        assert_eq!(told, [("all", 1, false), ("fw-stable", 10, true)]);
        assert_eq!(json!(fleet.profiles[0].desired), json!({ "fw": { "on": true }, "a": { "b": 1 } }));
        assert_eq!(json!(fleet.profiles[1].desired), json!({ "fw": { "channel": "$${x}" } }));
    }

    #[test]
    fn of_two_with_one_priority_the_later_wins_as_it_did() {
        let content = |value: u32| json!({ "properties.desired.n": value });
        let all = [configuration("second", "*", 5, content(2)), configuration("one", "*", 5, content(1))];
        let made = made(&all).unwrap();
        assert!(made.renumbered);
        let fleet = loaded(&made);
        assert_eq!(
            fleet.profiles.iter().map(|p| (&*p.name, p.priority)).collect::<Vec<_>>(),
            [("one", 10), ("second", 20)]
        );
    }

    #[test]
    fn what_no_profile_can_stand_for_is_left_out_with_its_reason() {
        let edge = json!({ "id": "edge", "targetCondition": "*", "content": { "modulesContent": {} } });
        let all = [
            edge,
            configuration("nobody", "", 0, json!({ "properties.desired.a": 1 })),
            configuration("odd", "tags.a =", 0, json!({ "properties.desired.a": 1 })),
            configuration("wrong", "*", 1, json!({ "properties.desired.time": { "timeZone": 5 } })),
        ];
        let made = made(&all).unwrap();
        assert_eq!(made.profiles, 0);
        let ids: Vec<&str> = made.left_out.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["edge", "nobody", "odd", "wrong"]);
        assert!(made.left_out.iter().all(|(_, reason)| !reason.is_empty()));
    }

    #[test]
    fn secrets_are_named_and_not_written() {
        let login = json!({ "properties.desired.bridge": { "password": "correct horse battery staple" } });
        let Err(SecretsFound(found)) = made(&[configuration("a", "*", 0, login)]) else {
            panic!("a secret is written")
        };
        assert_eq!(found.keys().collect::<Vec<_>>(), ["properties.desired.bridge.password"]);
    }
}
