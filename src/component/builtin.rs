//! The components of this crate: names, schemas, conventions.

use schemars::{JsonSchema, generate::SchemaSettings};

use super::{
    convention::{Convention, KEYWORD},
    device_info, files,
    registry::ComponentSchema,
    time,
};

/// Every component of this crate.
pub(super) fn components() -> Vec<ComponentSchema> {
    use Convention::Pnp;
    vec![
        component::<device_info::DeviceInfo>("deviceInfo", Pnp),
        component::<files::Files>("files", Pnp),
        component::<time::Time>("time", Pnp),
    ]
}

fn component<T: JsonSchema>(name: &str, convention: Convention) -> ComponentSchema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert(KEYWORD.to_owned(), convention.name().into());
    ComponentSchema::new(name, schema.to_value(), convention)
}
