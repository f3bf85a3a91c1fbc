//! Whom a configuration is for (protocol reference 8.3).

use super::content::Content;
use crate::{
    hub::failure::Failure,
    iothub::ErrorCode,
    query::{Condition, FieldPath, Source, Target},
};

/// Reads a condition for a content; nothing where it is empty and nobody is meant.
pub(super) fn parse(text: &str, content: &Content) -> Result<Option<Target>, Failure> {
    let source = if matches!(content, Content::Module(_)) { Source::Modules } else { Source::Devices };
    let text = match text.trim() {
        "" => return Ok(None),
        "*" if source == Source::Modules => "FROM devices.modules",
        text => text,
    };
    let target = check(text)?;
    if target.source() == source {
        return Ok(Some(target));
    }
    let message = match source {
        Source::Modules => "moduleContent is for modules: write `FROM devices.modules WHERE …`",
        _ => "only moduleContent is for modules; write the condition over devices alone",
    };
    Err(invalid(message))
}

/// Reads a condition for whatever content.
pub(super) fn check(text: &str) -> Result<Target, Failure> {
    let target = Target::parse(text).map_err(|error| invalid(error.to_string()))?;
    let mut paths = target.condition().into_iter().flat_map(Condition::paths);
    if let Some(path) = paths.find(|path| !is_allowed(path, target.source())) {
        let message = format!("`{path}` cannot select; a target looks at deviceId, tags and properties.reported");
        return Err(invalid(message));
    }
    drop(paths);
    Ok(target)
}

fn is_allowed(path: &FieldPath, source: Source) -> bool {
    path.is("deviceId")
        || path.is("moduleId") && source == Source::Modules
        || path.root() == "tags"
        || sees_reported(path)
}

/// Whether a path leads to reported properties.
pub(super) fn sees_reported(path: &FieldPath) -> bool {
    path.segments().take(2).eq(["properties", "reported"])
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidConfigurationTargetCondition, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_modules_have_their_own_forms() {
        let (device, module) = (Content::Device(Vec::new()), Content::Module(Vec::new()));
        for text in ["*", " tags.a = 'x' ", "deviceId = 'd1' OR properties.reported.fw.$version > 2"] {
            assert!(parse(text, &device).unwrap().is_some(), "{text}");
        }
        for text in ["*", "from devices.modules where moduleId = 'm'", "FROM devices.modules"] {
            assert_eq!(parse(text, &module).unwrap().unwrap().source(), Source::Modules, "{text}");
        }
        assert_eq!(parse(" ", &device), Ok(None));
        for (text, content) in [
            ("tags.a = 'x'", &module),
            ("from devices.modules where tags.a = 1", &device),
            ("properties.desired.a = 1", &device),
            ("properties = 1", &device),
            ("status = 'enabled'", &device),
            ("connectionState = 'Connected'", &device),
            ("configurations.[[a]].status = 'Applied'", &device),
            ("moduleId = 'm'", &device),
            ("tags.a = ", &device),
            ("SELECT * FROM devices", &device),
        ] {
            let refused = parse(text, content).unwrap_err();
            assert_eq!(refused.code, ErrorCode::InvalidConfigurationTargetCondition, "{text}");
        }
    }
}
