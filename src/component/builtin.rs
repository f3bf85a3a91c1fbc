//! The components of this crate: names, schemas, conventions.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    convention::{Convention, KEYWORD},
    device_info, files, reboot,
    registry::ComponentSchema,
    telemetry, tidy, time, twinops, updates, windows,
};

/// Every component of this crate.
pub(super) fn components() -> Vec<ComponentSchema> {
    use Convention::{Dm1, Pnp};
    vec![
        component::<device_info::DeviceInfo>("deviceInfo", Pnp),
        files(),
        component::<reboot::Reboot>("reboot", Pnp),
        component::<telemetry::Telemetry>("telemetry", Pnp),
        component::<time::Time>("time", Pnp),
        component::<twinops::Twinops>("twinops", Pnp),
        component::<updates::Updates>("updates", Pnp),
        component::<windows::DeviceInfo>("windows.deviceInfo", Dm1),
        component::<windows::RebootInfo>("windows.rebootInfo", Dm1),
        component::<windows::TimeInfo>("windows.timeInfo", Dm1),
        component::<windows::TimeService>("windows.timeService", Dm1),
        component::<windows::WindowsTelemetry>("windows.windowsTelemetry", Dm1),
        component::<windows::WindowsUpdatePolicy>("windows.windowsUpdatePolicy", Dm1),
    ]
}

fn component<T: JsonSchema>(name: &str, convention: Convention) -> ComponentSchema {
    ComponentSchema::new(name, schema::<T>(name, convention), convention)
}

fn schema<T: JsonSchema>(name: &str, convention: Convention) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert(KEYWORD.to_owned(), convention.name().into());
    schema.insert("title".to_owned(), name.into());
    let mut schema = schema.to_value();
    tidy::tidy(&mut schema);
    schema
}

/// A map has no words of its own, and its keys have a form.
fn files() -> ComponentSchema {
    let mut schema = schema::<files::Files>("files", Convention::Pnp);
    schema["description"] = json!("Text files that the agent keeps as declared, by ids of your choice.");
    schema["propertyNames"] = json!({"pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", files::LONGEST_ID)});
    ComponentSchema::new("files", schema, Convention::Pnp)
}
