//! What is exported, held against the rules of the language's reference, versions 2 and 3.

use std::collections::BTreeSet;

use super::*;

const PRIMITIVE: [&str; 10] =
    ["boolean", "date", "dateTime", "double", "duration", "float", "integer", "long", "string", "time"];

/// The rules, as the reference has them: written apart from what writes by them.
struct Rules {
    version: Version,
    ids: BTreeSet<String>,
}

impl Rules {
    fn of(version: Version) -> Self {
        Self { version, ids: BTreeSet::new() }
    }

    fn pick<T>(&self, two: T, three: T) -> T {
        if self.version == Version::V2 { two } else { three }
    }

    /// Which members there are, and which there have to be.
    fn members(element: &Value, required: &[&str], optional: &[&str]) {
        let members = element.as_object().unwrap();
        for name in required {
            assert!(members.contains_key(*name), "`{name}` is missing in {element}");
        }
        let words = ["comment", "description", "displayName"];
        for name in members.keys() {
            let known = [required, optional, &words].concat();
            assert!(known.contains(&name.as_str()), "`{name}` in {element}");
        }
        for (name, most) in [("comment", 512), ("description", 512), ("displayName", 64)] {
            let length = members.get(name).map_or(0, |text| text.as_str().unwrap().chars().count());
            assert!(length <= most, "{name} of {length} characters");
        }
    }

    fn name(&self, name: &Value) -> String {
        let name = name.as_str().unwrap();
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let ends =
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.ends_with(|c: char| c.is_ascii_alphanumeric());
        assert!(plain && ends && name.len() <= self.pick(64, 512), "{name}");
        name.to_owned()
    }

    fn id(&mut self, id: &Value, most: usize) {
        let id = id.as_str().unwrap();
        let (path, version) = id.strip_prefix("dtmi:").unwrap().split_once(';').unwrap();
        assert!(version.parse::<u32>().unwrap() > 0 && !version.starts_with('0') && version.len() < 10);
        for segment in path.split(':') {
            self.name(&segment.into());
        }
        assert!(!path.starts_with("dtdl:") && !path.starts_with("standard:"), "{id} is reserved");
        assert!(id.len() <= most, "{id}");
        assert!(self.ids.insert(id.to_owned()), "{id} is there twice");
    }

    fn interface(&mut self, interface: &Value) {
        Self::members(interface, &["@context", "@id", "@type"], &["contents", "schemas"]);
        assert_eq!(interface["@context"], self.pick("dtmi:dtdl:context;2", "dtmi:dtdl:context;3"));
        assert_eq!(interface["@type"], "Interface");
        self.id(&interface["@id"], 128);
        let contents = interface.get("contents").map_or(&[][..], |contents| contents.as_array().unwrap());
        assert!(contents.len() <= self.pick(300, 100_000));
        let mut names = BTreeSet::new();
        for content in contents {
            assert!(names.insert(self.name(&content["name"])), "{content} is there twice");
            if content["@type"] == "Component" {
                Self::members(content, &["@type", "name", "schema"], &[]);
            } else {
                assert_eq!(content["@type"], "Property");
                Self::members(content, &["@type", "name", "schema"], &["writable"]);
                self.schema(&content["schema"], 1);
            }
        }
        for schema in interface.get("schemas").map_or(&[][..], |all| all.as_array().unwrap()) {
            self.id(&schema["@id"], 2048);
            self.schema(schema, 1);
        }
    }

    fn schema(&self, schema: &Value, depth: usize) {
        if let Some(primitive) = schema.as_str() {
            assert!(PRIMITIVE.contains(&primitive), "{primitive}");
            return;
        }
        assert!(depth <= 5, "too deep: {schema}");
        match schema["@type"].as_str().unwrap() {
            "Array" => {
                assert_eq!(self.version, Version::V3, "no list may stand in a property of version 2");
                Self::members(schema, &["@type", "elementSchema"], &["@id"]);
                self.schema(&schema["elementSchema"], depth + 1);
            }
            "Enum" => self.enumeration(schema),
            "Map" => {
                Self::members(schema, &["@type", "mapKey", "mapValue"], &["@id"]);
                Self::members(&schema["mapKey"], &["name", "schema"], &[]);
                Self::members(&schema["mapValue"], &["name", "schema"], &[]);
                assert_eq!(schema["mapKey"]["schema"], "string");
                self.name(&schema["mapKey"]["name"]);
                self.name(&schema["mapValue"]["name"]);
                self.schema(&schema["mapValue"]["schema"], depth + 1);
            }
            "Object" => {
                Self::members(schema, &["@type", "fields"], &["@id"]);
                let fields = schema["fields"].as_array().unwrap();
                assert!((1..=self.pick(30, usize::MAX)).contains(&fields.len()));
                let mut names = BTreeSet::new();
                for field in fields {
                    Self::members(field, &["name", "schema"], &[]);
                    assert!(names.insert(self.name(&field["name"])), "{field} is there twice");
                    self.schema(&field["schema"], depth + 1);
                }
            }
            other => panic!("`{other}` is no schema"),
        }
    }

    fn enumeration(&self, schema: &Value) {
        Self::members(schema, &["@type", "enumValues", "valueSchema"], &["@id"]);
        let values = schema["enumValues"].as_array().unwrap();
        assert!((1..=self.pick(100, usize::MAX)).contains(&values.len()));
        let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for value in values {
            Self::members(value, &["name", "enumValue"], &[]);
            assert!(names.insert(self.name(&value["name"])), "{value} is there twice");
            assert!(seen.insert(value["enumValue"].to_string()), "{value} is there twice");
            assert_eq!(value["enumValue"].is_string(), schema["valueSchema"] == "string", "{value}");
        }
    }
}

const BOTH: [Version; 2] = [Version::V2, Version::V3];

#[test]
fn the_whole_model_keeps_the_rules_and_refers_to_nothing_that_is_not_in_it() {
    for version in BOTH {
        let mut rules = Rules::of(version);
        let model = model(&Registry::builtin(), version).unwrap();
        let interfaces = model.as_array().unwrap();
        for interface in interfaces {
            rules.interface(interface);
        }
        let components = interfaces[0]["contents"].as_array().unwrap();
        assert_eq!(components.len(), interfaces.len() - 1);
        for component in components {
            assert!(rules.ids.contains(component["schema"].as_str().unwrap()), "{component}");
        }
    }
}

fn own(schema: Value) -> ComponentSchema {
    ComponentSchema::new("acme.pump", schema, Convention::Pnp)
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!({"type": "boolean"}), |inner, _| json!({"type": "object", "properties": {"in": inner}}))
}

#[test]
fn what_a_version_cannot_say_is_left_out_and_named() {
    let many: Map<String, Value> = (0..32).map(|n| (format!("field{n}"), json!({"type": "string"}))).collect();
    let values: Vec<String> = (0..120).map(|n| format!("value-{n}")).collect();
    let schema = json!({"type": "object", "description": "x".repeat(2000), "properties": {
        "list": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
        "with-dash": {"type": "string"}, "_under": {"type": "string"},
        "either": {"anyOf": [{"type": "string"}, {"type": "object"}]}, "any": {}, "open": {"type": "object"},
        "deep": deep(7), "many": {"type": "object", "properties": many}, "long": {"enum": values},
        "odd": {"enum": ["a-b", "a_b", "-", "5", "ä"]}, "mixed": {"enum": [1, "a"]}, "level": {"enum": [1, 2]},
        "size": {"type": "integer"}, "day": {"type": "integer", "minimum": 0, "maximum": 6},
        "maybe": {"type": ["string", "null"], "description": "Perhaps."}, "of": {"$ref": "#/$defs/speed"},
        "map": {"type": "object", "patternProperties": {"^a": {"type": "number"}}}},
        "$defs": {"speed": {"type": "number", "readOnly": true}}});
    for version in BOTH {
        let interface = interface(&own(schema.clone()), version).unwrap();
        Rules::of(version).interface(&interface);
        let told = |name: &str| {
            let all = interface["contents"].as_array().unwrap().iter();
            all.filter(|content| content["name"] == name).map(|content| content["schema"].clone()).next()
        };
        assert_eq!(told("list").is_some(), version == Version::V3);
        for name in ["with-dash", "_under", "either", "any", "open", "mixed"] {
            assert_eq!(told(name), None, "{name}");
            assert!(interface["comment"].as_str().unwrap().contains(name), "{name}: {}", interface["comment"]);
        }
        assert_eq!(told("long") == Some(json!("string")), version == Version::V2);
        assert_eq!(
            (told("size"), told("day"), told("of")),
            (Some(json!("long")), Some(json!("integer")), Some(json!("double")))
        );
        assert_eq!((told("maybe"), told("map").unwrap()["@type"].clone()), (Some(json!("string")), json!("Map")));
    }
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}, "speed": {"type": "number"}}});
    for version in BOTH {
        Rules::of(version).interface(&interface(&own(schema.clone()), version).unwrap());
    }
}

#[test]
fn identifiers_follow_the_name_or_are_the_schemas_own() {
    let id = |schema: Value| interface(&own(schema), Version::V3).map(|interface| interface["@id"].clone());
    assert_eq!(id(json!({"type": "object"})), Ok(json!("dtmi:twinops:acme:pump;1")));
    assert_eq!(id(json!({"$id": "dtmi:com:acme:pump;7"})), Ok(json!("dtmi:com:acme:pump;7")));
    let long = ComponentSchema::new("p".repeat(130), json!({}), Convention::Pnp);
    assert!(matches!(interface(&long, Version::V2), Err(DtdlError::Id(_))));
}

#[test]
fn members_are_writable_unless_they_are_only_reported() {
    let registry = Registry::builtin();
    let writable = |name: &str| {
        let interface = interface(registry.get(name).unwrap(), Version::V3).unwrap();
        let contents = interface["contents"].as_array().unwrap().clone();
        contents.into_iter().map(|content| content["writable"] == json!(true)).collect::<BTreeSet<_>>()
    };
    assert_eq!(writable("time"), [true].into());
    assert_eq!(writable("deviceInfo"), [false].into());
}

#[test]
fn a_component_whose_members_the_fleet_names_has_their_schema() {
    let registry = Registry::builtin();
    let files = interface(registry.get("files").unwrap(), Version::V2).unwrap();
    assert_eq!(files["schemas"][0]["@id"], "dtmi:twinops:files:entry;1");
    assert!(files["comment"].as_str().unwrap().contains("named by the fleet"));
    assert_eq!(files.get("contents"), None);
}

#[test]
fn what_answers_in_another_way_has_no_interface() {
    let registry = Registry::builtin();
    let error = interface(registry.get("windows.timeInfo").unwrap(), Version::V3).unwrap_err();
    assert!(error.to_string().contains("`dm1`"), "{error}");
}
