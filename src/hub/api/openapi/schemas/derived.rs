//! Bodies that are types of their own: what the document says of them is derived from what is read and written.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::super::super::super::{
    core::{BulkEnrollment, BulkEnrollmentResult, Job},
    dps::{Attestation, Enrollment, RegistrationState},
    record::Head,
};
use crate::iothub::{
    BulkEntry, BulkResult, CertificateList, CertificateResource, DeviceIdentity, KeyRenewal, KeyRenewalResult,
    ModuleIdentity,
};

/// What clients cannot change, wherever it stands.
const READ_ONLY: [&str; 17] = [
    "cloudToDeviceMessageCount",
    "connectionState",
    "connectionStateUpdatedTime",
    "created",
    "createdDateTimeUtc",
    "createdTime",
    "deviceJobStatistics",
    "endTime",
    "etag",
    "expiry",
    "failureReason",
    "generationId",
    "lastActivityTime",
    "lastUpdatedDateTimeUtc",
    "statusMessage",
    "statusUpdatedTime",
    "updated",
];

/// All of them by name, with those that they are made of.
pub(super) fn all() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut answers = settings.clone().for_serialize().into_generator();
    add::<BulkResult>(&mut answers);
    add::<BulkEnrollmentResult>(&mut answers);
    add::<CertificateList>(&mut answers);
    add::<Head<'_>>(&mut answers);
    add::<Job>(&mut answers);
    add::<KeyRenewalResult>(&mut answers);
    add::<RegistrationState>(&mut answers);
    let mut requests = settings.into_generator();
    add::<Attestation>(&mut requests);
    add::<BulkEnrollment>(&mut requests);
    add::<BulkEntry>(&mut requests);
    add::<CertificateResource>(&mut requests);
    add::<DeviceIdentity>(&mut requests);
    add::<Enrollment>(&mut requests);
    add::<KeyRenewal>(&mut requests);
    add::<ModuleIdentity>(&mut requests);
    // What is sent and answered is described as it may be sent: with less in it.
    let mut all = answers.take_definitions(true);
    all.extend(requests.take_definitions(true));
    all.values_mut().for_each(tidy);
    all
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    let _reference: Schema = generator.subschema_for::<T>();
}

/// Says what types do not, and leaves out what is for readers of the source.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => {
            members.remove("default");
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                properties.iter_mut().for_each(|(name, property)| describe(name, property));
            }
            members.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

fn describe(name: &str, property: &mut Value) {
    let Value::Object(members) = property else { return };
    if READ_ONLY.contains(&name) {
        members.insert("readOnly".to_owned(), true.into());
    }
    if name.ends_with("Time") || name.ends_with("TimeUtc") {
        members.insert("format".to_owned(), "date-time".into());
    }
}
