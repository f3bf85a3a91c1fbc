//! The components of this crate: names, schemas, conventions.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    apps,
    artifact::ID,
    certificates,
    claim::Claim,
    convention::{Convention, KEYWORD},
    device_agent, device_info, diagnostics, files, packages, reboot,
    registry::ComponentSchema,
    services, telemetry, tidy, time, twinops, updates, wifi, windows,
};

/// Every component of this crate.
pub(super) fn components() -> Vec<ComponentSchema> {
    let old = of_the_dm_client().into_iter().chain(windows::RESULTS.map(result));
    neutral().into_iter().chain(old).chain(of_the_device_agent()).collect()
}

/// One vocabulary for Windows and Linux.
fn neutral() -> Vec<ComponentSchema> {
    use Convention::Pnp;
    vec![
        named::<apps::Apps>(
            "apps",
            "The programs of a device, by ids of your choice. What is not listed stays as it is.",
        ),
        named::<certificates::Certificates>(
            "certificates",
            "The certificates of a device, by ids of your choice. What is not listed stays as it is.",
        ),
        only_reported(component::<device_info::DeviceInfo>("deviceInfo", Pnp)),
        named::<diagnostics::Diagnostics>("diagnostics", "Logs that a device collects, by ids of your choice."),
        named::<files::Files>("files", "Text files that the agent keeps as declared, by ids of your choice."),
        named::<packages::Packages>(
            "packages",
            "Packages of a device's system, by ids of your choice. What is not listed stays as it is. Linux only.",
        ),
        component::<reboot::Reboot>("reboot", Pnp),
        named::<services::Services>(
            "services",
            "Services of the operating system, by ids of your choice. The device says which it lets be changed.",
        ),
        component::<telemetry::Telemetry>("telemetry", Pnp),
        component::<time::Time>("time", Pnp),
        component::<twinops::Twinops>("twinops", Pnp),
        component::<updates::Updates>("updates", Pnp),
        named::<wifi::Wifi>(
            "wifi",
            "The wireless networks that a device joins, by ids of your choice. It goes back to what it had when it does \
             not reach the hub any more.",
        ),
    ]
}

fn of_the_dm_client() -> Vec<ComponentSchema> {
    use Convention::Dm1;
    vec![
        component::<windows::Apps>("windows.apps", Dm1),
        component::<windows::Certificates>("windows.certificates", Dm1),
        component::<windows::DeviceHealthAttestation>("windows.deviceHealthAttestation", Dm1),
        component::<windows::DeviceInfo>("windows.deviceInfo", Dm1),
        component::<windows::EventTracingCollectors>("windows.eventTracingCollectors", Dm1),
        component::<windows::ExternalStorage>("windows.externalStorage", Dm1),
        component::<windows::RebootInfo>("windows.rebootInfo", Dm1),
        component::<windows::TimeInfo>("windows.timeInfo", Dm1),
        component::<windows::TimeService>("windows.timeService", Dm1),
        component::<windows::Wifi>("windows.wifi", Dm1),
        component::<windows::WindowsTelemetry>("windows.windowsTelemetry", Dm1),
        component::<windows::WindowsUpdatePolicy>("windows.windowsUpdatePolicy", Dm1),
        component::<windows::WindowsUpdates>("windows.windowsUpdates", Dm1),
    ]
}

fn of_the_device_agent() -> Vec<ComponentSchema> {
    use Convention::Dm2;
    let beside = |path: &str, claim, schema: Value| ComponentSchema::beside(path, claim, schema);
    let mut tracing = schema::<device_agent::EventTracingCollectors>("eventTracingCollectors", Dm2);
    tracing["description"] = "Logs of what happens inside Windows, by the names of their collectors.".into();
    tracing["propertyNames"] = json!({"pattern": r"^[^.$\s/\\?]{1,128}$"});
    vec![
        beside("certificates", Claim::Members(&device_agent::STORES), stores()),
        beside("deviceInfo", Claim::Nothing, schema::<device_agent::DeviceInfo>("deviceInfo", Dm2)),
        ComponentSchema::new("eventTracingCollectors", tracing, Dm2),
        component::<windows::RebootInfo>("rebootInfo", Dm2),
        component::<device_agent::TimeInfo>("timeInfo", Dm2),
        component::<device_agent::UwpApps>("uwpApps", Dm2),
        component::<device_agent::WindowsUpdate>("windowsUpdate", Dm2),
        component::<windows::WindowsTelemetry>("windowsTelemetry", Dm2),
    ]
}

/// The keys of every store are thumbprints.
fn stores() -> Value {
    let mut schema = schema::<device_agent::Certificates>("certificates", Convention::Dm2);
    for store in device_agent::STORES.into_iter().filter(|name| *name != "connectionString") {
        schema["properties"][store]["propertyNames"] = json!({"pattern": "^[0-9A-Fa-f]{40}$"});
    }
    schema
}

/// What the DM client reports of a command: it can be read, and nothing can be declared.
fn result((name, method): (&str, &str)) -> ComponentSchema {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        KEYWORD: Convention::Dm1.name(),
        "title": name,
        "description": format!("What the device reports of `{method}`. It cannot be declared: `twinops invoke {method}`."),
        "not": {},
        "x-twinops-reported": reported::<windows::CommandResult>(),
    });
    ComponentSchema::new(name, schema, Convention::Dm1)
}

fn component<T: JsonSchema>(name: &str, convention: Convention) -> ComponentSchema {
    ComponentSchema::new(name, schema::<T>(name, convention), convention)
}

fn only_reported(component: ComponentSchema) -> ComponentSchema {
    let mut schema = component.schema;
    schema["readOnly"] = true.into();
    ComponentSchema::new(component.name, schema, component.convention)
}

/// A map has no words of its own, and its keys are ids.
fn named<T: JsonSchema>(name: &str, description: &str) -> ComponentSchema {
    let mut schema = schema::<T>(name, Convention::Pnp);
    schema["description"] = description.into();
    schema["propertyNames"] = json!({"pattern": ID});
    ComponentSchema::new(name, schema, Convention::Pnp)
}

fn schema<T: JsonSchema>(name: &str, convention: Convention) -> Value {
    let mut schema = plain::<T>();
    schema[KEYWORD] = convention.name().into();
    schema["title"] = name.into();
    schema
}

/// The schema of one part, without the words that a whole one begins with.
fn reported<T: JsonSchema>() -> Value {
    let mut schema = plain::<T>();
    if let Value::Object(members) = &mut schema {
        members.remove("$schema");
        members.remove("title");
    }
    schema
}

/// The schema of a type, whole and by itself.
pub(super) fn plain<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy::tidy(&mut schema);
    schema
}
