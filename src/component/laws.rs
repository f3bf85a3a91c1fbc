//! What holds between the members of a component and no JSON Schema can say.

use std::collections::BTreeMap;

use serde_json::Value;

/// The most hours that active hours span (Windows reference 1.3).
const LONGEST_SPAN: i64 = 18;

/// What is wrong between the members of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// JSON pointer to the member at fault, below the component.
    pub pointer: String,
    /// What is wrong, without the value itself.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// What is wrong with a component of this name that satisfies its schema.
pub fn check(name: &str, component: &Value) -> Vec<Breach> {
    match name {
        "apps" => {
            let mut breaches = one_foreground(component, "startup");
            breaches.extend(order(component));
            breaches
        }
        "updates" => {
            let mut breaches = span(component, "/activeHours/start", "/activeHours/end");
            breaches.extend(schedule(component));
            breaches
        }
        "windows.apps" => {
            let mut breaches = one_foreground(component, "startUp");
            breaches.extend(removed_foreground(component));
            breaches
        }
        "windows.windowsUpdatePolicy" => policy(component, "/applyProperties"),
        "windowsUpdate" => policy(component, ""),
        "uwpApps" => {
            let apps = component.get("apps").unwrap_or(&Value::Null);
            let mut breaches = one_foreground(apps, "startUp");
            breaches.extend(removed_foreground(apps));
            for breach in &mut breaches {
                breach.pointer.insert_str(0, "/apps");
            }
            breaches.extend(unreachable(component, apps.as_object().is_some_and(|apps| apps.values().any(is_fetched))));
            breaches
        }
        "deviceAgent.certificates" => {
            let stores = component.as_object().into_iter().flatten();
            let mut files = stores.flat_map(|(_, store)| entries(store)).map(|(_, entry)| entry);
            unreachable(component, files.any(is_fetched)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn breach(pointer: impl Into<String>, message: impl Into<String>, help: &'static str) -> Breach {
    Breach { pointer: pointer.into(), message: message.into(), help }
}

fn entries(component: &Value) -> impl Iterator<Item = (&str, &Value)> {
    component.as_object().into_iter().flatten().map(|(id, entry)| (id.as_str(), entry))
}

fn word<'v>(entry: &'v Value, member: &str) -> Option<&'v str> {
    entry.get(member).and_then(Value::as_str)
}

/// There is one screen.
fn one_foreground(apps: &Value, member: &str) -> Vec<Breach> {
    let in_front =
        |(_, app): &(&str, &Value)| word(app, member) == Some("foreground") && word(app, "state") != Some("absent");
    let mut all = entries(apps).filter(in_front).map(|(id, _)| id);
    let Some(first) = all.next() else { return Vec::new() };
    let help = "let one of them have the foreground, and start the others in the background";
    all.map(|id| breach(format!("/{id}/{member}"), format!("`{first}` has the foreground already"), help)).collect()
}

/// The DM client refuses to remove the app on the screen, and fails while it looks.
fn removed_foreground(apps: &Value) -> impl Iterator<Item = Breach> {
    let removed = |(_, app): &(&str, &Value)| {
        word(app, "version") == Some("not installed") && word(app, "startUp") == Some("foreground")
    };
    let help = "give the foreground to another app, and remove this one in a later commit";
    entries(apps)
        .filter(removed)
        .map(move |(id, _)| breach(format!("/{id}/startUp"), "an app that is removed cannot have the foreground", help))
}

/// Programs come after others that are there, and never after themselves.
fn order(apps: &Value) -> Vec<Breach> {
    let before: BTreeMap<&str, Vec<&str>> = entries(apps)
        .map(|(id, app)| {
            let after = app.get("after").and_then(Value::as_array).into_iter().flatten();
            (id, after.filter_map(Value::as_str).collect())
        })
        .collect();
    let mut breaches = Vec::new();
    for (id, after) in &before {
        for (at, other) in after.iter().enumerate() {
            let pointer = format!("/{id}/after/{at}");
            if !before.contains_key(other) {
                let help = "name the id of a program of this component";
                breaches.push(breach(pointer, format!("there is no program `{other}`"), help));
            } else if leads_to(&before, other, id) {
                let help = "take one of them out of the circle";
                breaches.push(breach(pointer, format!("`{other}` comes after `{id}` itself"), help));
            }
        }
    }
    breaches
}

fn leads_to(before: &BTreeMap<&str, Vec<&str>>, from: &str, to: &str) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(before.get(id).into_iter().flatten());
        }
    }
    false
}

/// Whether the device has to fetch a file for it.
fn is_fetched(entry: &Value) -> bool {
    word(entry, "appxSource").is_some() || word(entry, "state") == Some("installed")
}

/// The Device Agent keeps the way to its files in the group that needs them.
fn unreachable(group: &Value, fetches: bool) -> Option<Breach> {
    let help = "write `connectionString: ${secret.NAME}`, the connection string of the storage account";
    (fetches && group.get("connectionString").is_none())
        .then(|| breach("", "files are to be fetched, and `connectionString` is missing", help))
}

/// The settings of Windows Update, which stand below `at`.
fn policy(component: &Value, at: &str) -> Vec<Breach> {
    let mut breaches = span(component, &format!("{at}/activeHoursStart"), &format!("{at}/activeHoursEnd"));
    breaches.extend(unscheduled(component, at));
    breaches
}

fn span(component: &Value, start: &str, end: &str) -> Vec<Breach> {
    let hour = |pointer: &str| component.pointer(pointer).and_then(Value::as_i64);
    let (Some(from), Some(to)) = (hour(start), hour(end)) else { return Vec::new() };
    let hours = (to - from).rem_euclid(24);
    if (1..=LONGEST_SPAN).contains(&hours) {
        return Vec::new();
    }
    let hours = if hours == 0 { 24 } else { hours };
    let message = format!("active hours span 1 to {LONGEST_SPAN} hours, not {hours}");
    vec![breach(end, message, "let them end earlier; they may cross midnight")]
}

fn schedule(updates: &Value) -> Option<Breach> {
    let scheduled = word(updates, "mode") == Some("scheduled");
    match (scheduled, updates.get("schedule")) {
        (true, None) => {
            Some(breach("/mode", "there is no `schedule`", "write `schedule: { day: sun, time: \"03:00\" }`"))
        }
        (false, Some(_)) => {
            Some(breach("/schedule", "nothing is installed by schedule", "write `mode: scheduled`, or take it out"))
        }
        (true, Some(_)) | (false, None) => None,
    }
}

fn unscheduled(policy: &Value, at: &str) -> Option<Breach> {
    let apply = policy.pointer(at)?;
    let member = ["scheduledInstallDay", "scheduledInstallTime"].into_iter().find(|m| apply.get(m).is_some())?;
    let scheduled = apply.get("allowAutoUpdate").and_then(Value::as_i64) == Some(3);
    let message = "Windows minds the schedule with `allowAutoUpdate: 3` only";
    (!scheduled).then(|| breach(format!("{at}/{member}"), message, "write `allowAutoUpdate: 3`, or take it out"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn at(name: &str, component: Value) -> Vec<String> {
        check(name, &component).into_iter().map(|breach| breach.pointer).collect()
    }

    #[test]
    fn one_app_has_the_foreground() {
        let app = |startup: &str| json!({"startup": startup, "startUp": startup});
        for name in ["apps", "windows.apps"] {
            let member = if name == "apps" { "startup" } else { "startUp" };
            let two = json!({"a": app("foreground"), "b": app("background"), "c": app("foreground")});
            assert_eq!(at(name, two), [format!("/c/{member}")], "{name}");
            assert!(at(name, json!({"a": app("foreground"), "b": app("none")})).is_empty(), "{name}");
        }
        let gone = json!({"a": {"startup": "foreground", "state": "absent"}, "b": {"startup": "foreground"}});
        assert!(at("apps", gone).is_empty());
    }

    #[test]
    fn an_app_that_is_removed_has_no_foreground() {
        assert_eq!(
            at("windows.apps", json!({"a": {"version": "not installed", "startUp": "foreground"}})),
            ["/a/startUp"]
        );
        assert!(at("windows.apps", json!({"?": {"store": true}, "a": {"version": "not installed"}})).is_empty());
    }

    #[test]
    fn the_device_agent_fetches_files_by_a_connection_of_the_group() {
        let apps = json!({"apps": {"a": {"appxSource": "x\\a.appx"}}});
        assert_eq!(at("uwpApps", apps), [""]);
        assert!(at("uwpApps", json!({"apps": {"a": {"version": "not installed"}}})).is_empty());
        let store = json!({"ab": {"state": "installed", "fileName": "x\\a.cer"}});
        assert_eq!(at("deviceAgent.certificates", json!({"certificateStore_CA_System": store})), [""]);
        let reached = json!({"certificateStore_CA_System": store, "connectionString": "s"});
        assert!(at("deviceAgent.certificates", reached).is_empty());
        let two = json!({"apps": {"a": {"startUp": "foreground"}, "b": {"startUp": "foreground"}}});
        assert_eq!(at("uwpApps", two), ["/apps/b/startUp"]);
    }

    #[test]
    fn programs_come_after_others_that_are_there() {
        assert!(at("apps", json!({"a": {}, "b": {"after": ["a"]}, "c": {"after": ["a", "b"]}})).is_empty());
        assert_eq!(at("apps", json!({"a": {"after": ["x"]}})), ["/a/after/0"]);
        assert_eq!(at("apps", json!({"a": {"after": ["b"]}, "b": {"after": ["a"]}})), ["/a/after/0", "/b/after/0"]);
        assert_eq!(at("apps", json!({"a": {"after": ["a"]}})), ["/a/after/0"]);
    }

    #[test]
    fn active_hours_span_at_most_eighteen() {
        for (start, end, fits) in
            [(8, 17, true), (22, 16, true), (0, 18, true), (0, 19, false), (8, 8, false), (8, 7, false)]
        {
            let neutral = json!({"activeHours": {"start": start, "end": end}});
            let v1 = json!({"applyProperties": {"activeHoursStart": start, "activeHoursEnd": end}});
            assert_eq!(at("updates", neutral).is_empty(), fits, "{start} to {end}");
            assert_eq!(at("windows.windowsUpdatePolicy", v1).is_empty(), fits, "{start} to {end}");
            let v2 = json!({"activeHoursStart": start, "activeHoursEnd": end});
            assert_eq!(at("windowsUpdate", v2).is_empty(), fits, "{start} to {end}");
        }
        assert!(at("updates", json!({"activeHours": {"start": 3}})).is_empty());
    }

    #[test]
    fn a_schedule_and_its_mode_stand_together() {
        assert_eq!(at("updates", json!({"mode": "scheduled"})), ["/mode"]);
        assert_eq!(at("updates", json!({"mode": "auto", "schedule": {}})), ["/schedule"]);
        assert!(at("updates", json!({"mode": "scheduled", "schedule": {}})).is_empty());
        let alone = json!({"applyProperties": {"scheduledInstallDay": 1, "allowAutoUpdate": 2}});
        assert_eq!(at("windows.windowsUpdatePolicy", alone), ["/applyProperties/scheduledInstallDay"]);
        assert!(at("windows.windowsUpdatePolicy", json!({"applyProperties": "no"})).is_empty());
    }
}
