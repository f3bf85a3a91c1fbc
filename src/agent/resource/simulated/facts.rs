//! What a simulated device makes up about itself: the same for the same id.

use serde_json::{Value, json};

use super::device::seed;
use crate::{
    component::device_info::{DeviceInfo, OperatingSystem, SecureBoot, Storage},
    twin::Map,
};

const MODELS: [&str; 4] = ["Kiosk 10", "Kiosk 20", "Gateway S", "Panel 7"];

/// As `deviceInfo`.
pub(crate) fn neutral(id: &str) -> Map {
    let seed = seed(id);
    let info = DeviceInfo {
        id: Some(format!("{seed:016x}")),
        manufacturer: Some("Simulated".to_owned()),
        model: Some(model(seed).to_owned()),
        hardware_version: Some(format!("{}.{}", 1 + seed % 3, seed / 3 % 5)),
        serial: Some(serial(seed)),
        firmware_version: Some(format!("1.{}", seed % 9)),
        os: Some(OperatingSystem {
            name: Some("simulated".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ..OperatingSystem::default()
        }),
        host_name: Some(id.to_owned()),
        architecture: Some(if seed.is_multiple_of(2) { "arm64" } else { "x64" }.to_owned()),
        total_memory_mib: Some(1024 << (seed % 3)),
        storage: Some(Storage { total_mib: 16_384, free_mib: 819 * (seed % 20) }),
        secure_boot: Some(SecureBoot::Unsupported),
        boot_id: None,
    };
    object(serde_json::to_value(info).unwrap_or_default())
}

/// As the `deviceInfo` of the Windows IoT client: every value is a string.
pub(crate) fn windows(id: &str) -> Map {
    let seed = seed(id);
    object(json!({
        "id": format!("urn:uuid:{seed:016x}"), "manufacturer": "Simulated", "model": model(seed), "dmVer": "1.3",
        "lang": "en-US", "type": "IoTCore", "oem": "Simulated", "hwVer": format!("1.{}", seed % 5),
        "fwVer": format!("1.{}", seed % 9), "osVer": "10.0.17763.1", "platform": "IoTUAP", "processorType": "8664",
        "radioSwVer": "Not Present", "displayResolution": "1920x1080", "commercializationOperator": "",
        "processorArchitecture": "9", "name": id, "totalStorage": "16384", "totalMemory": "2048",
        "secureBootState": "0", "osEdition": "123", "batteryStatus": "128", "batteryRemaining": "-1",
        "batteryRuntime": "-1"
    }))
}

fn model(seed: u64) -> &'static str {
    let at = usize::try_from(seed % MODELS.len() as u64).unwrap_or_default();
    MODELS[at]
}

fn serial(seed: u64) -> String {
    format!("SIM-{:08X}", seed & 0xffff_ffff)
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_tells_the_same_about_itself_every_time_and_another_something_else() {
        assert_eq!(neutral("d1"), neutral("d1"));
        assert_ne!(neutral("d1")["serial"], neutral("d2")["serial"]);
    }

    #[test]
    fn all_of_the_windows_clients_facts_are_strings() {
        assert_eq!(windows("d1").len(), 24);
        assert!(windows("d1").values().all(Value::is_string));
    }
}
