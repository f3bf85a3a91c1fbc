//! Writes of the device: patches of reported properties (protocol reference 11.6).

use serde_json::Value;

use super::{
    Record,
    half::{Stamp, reserved},
    write::checked,
};
use crate::{
    hub::failure::Failure,
    iothub::ErrorCode,
    twin::{Map, Section},
};

impl Record {
    /// Merges a reported patch if the device's idea of the version is right; whole or not at all. The new version.
    pub(crate) fn report(&mut self, patch: &Map, expected: Option<u64>, time: &str) -> Result<u64, Failure> {
        let current = self.reported.version;
        if expected.is_some_and(|expected| expected != current) {
            let message = format!("the version of the reported properties is {current}; read the twin and try again");
            return Err(Failure::new(ErrorCode::PreconditionFailed, message));
        }
        if let Some(path) = reserved(patch) {
            return Err(Failure::invalid(format!("properties.reported.{path}: a key cannot hold '$'")));
        }
        let mut tree = self.reported.tree()?;
        tree.merge(patch, Stamp { time, version: None });
        self.reported = checked(Section::Reported, &self.reported, tree)?;
        self.version += 1;
        Ok(self.reported.version)
    }
}

/// Reads the patch that a device sent.
pub(crate) fn parse(patch: &[u8]) -> Result<Map, Failure> {
    match serde_json::from_slice(patch) {
        Ok(Value::Object(patch)) => Ok(patch),
        Ok(_) => Err(Failure::invalid("a patch of reported properties is a JSON object")),
        Err(error) => Err(Failure::invalid(format!("the patch is no JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::laws::record;
    use super::*;

    fn report(twin: &mut Record, patch: &Value, expected: Option<u64>) -> Result<u64, u32> {
        twin.report(&parse(patch.to_string().as_bytes()).unwrap(), expected, "T").map_err(|f| f.code.number())
    }

    #[test]
    fn a_report_moves_its_own_counter_and_the_documents_but_no_etag() {
        let mut twin = record();
        assert_eq!(report(&mut twin, &json!({"fw": "1.2", "gone": null}), Some(1)), Ok(2));
        assert_eq!((twin.etag, twin.version, twin.desired.version), (1, 3, 1));
        let metadata: Value = serde_json::from_str(&twin.reported.metadata).unwrap();
        assert_eq!(metadata, json!({"$lastUpdated": "T", "fw": {"$lastUpdated": "T"}}));
    }

    #[test]
    fn another_version_than_the_expected_one_is_refused() {
        let mut twin = record();
        assert_eq!(report(&mut twin, &json!({"a": 1}), Some(2)), Err(412_001));
        assert_eq!(twin, record());
    }

    #[test]
    fn the_hubs_own_members_cannot_be_reported() {
        for bad in [json!({"$version": 1}), json!({"$metadata": null}), json!({"good": 1, "a": {"$x": null}})] {
            let mut twin = record();
            assert_eq!(report(&mut twin, &bad, None), Err(400_004), "{bad}");
            assert_eq!(twin, record());
        }
    }

    #[test]
    fn what_is_no_object_is_no_patch() {
        for bad in ["", " ", "[]", "null", "{", "7"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
