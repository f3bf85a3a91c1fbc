//! Bodies of REST requests: what was read is written and read as the same.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    content::{self, Content},
    twin::is_within_limits,
};
use crate::{
    iothub::{BulkEntry, DeviceIdentity, HubFault, ModuleIdentity},
    twin::{Map, Section, Twin},
};

/// The input is a body of any kind.
pub fn bodies(input: &[u8]) {
    comes_back::<DeviceIdentity>(input);
    comes_back::<ModuleIdentity>(input);
    comes_back::<Vec<BulkEntry>>(input);
    comes_back::<Twin>(input);
    if let Ok(Value::Object(body)) = serde_json::from_slice(input) {
        configures(body);
    }
    let fault = HubFault::parse(400, None, input);
    assert!(!fault.to_string().is_empty());
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(input: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(input) else { return };
    let text = serde_json::to_string(&read).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(again, read, "{text}");
}

/// A content that is taken asks for desired properties that a twin could have.
fn configures(body: Map) {
    let Ok(only) = content::only_kind(body) else { return };
    let all = match Content::parse(&only) {
        Err(_) => return,
        Ok(Content::Device(claims) | Content::Module(claims)) => vec![claims],
        Ok(Content::Edge(modules)) => modules.into_values().collect(),
    };
    for claims in &all {
        is_within_limits(Section::Desired, &content::tree(claims));
    }
}
