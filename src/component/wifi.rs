//! The component `wifi`: the wireless networks that a device joins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::artifact::{Presence, SecretRef};

/// Wireless networks, by ids of your choice. Networks are added before others are removed, and the device goes back
/// to what it had when it does not reach the hub any more.
pub type Wifi = BTreeMap<String, Network>;

/// One network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = needs))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Whether the device knows it; `present` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// Its name, 1 to 32 bytes.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 32)))]
    pub ssid: String,
    /// How it is protected. Needed unless the network is to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<WifiSecurity>,
    /// The key or password, which lies on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// Whether the network does not tell its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Whether the device joins by itself; it does when this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_connect: Option<bool>,
    /// Which network is preferred: higher first. Linux only.
    #[cfg_attr(feature = "cli", schemars(range(min = -999, max = 999)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Who the device is, with `wpa-eap-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eap: Option<Eap>,
}

/// How a network is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WifiSecurity {
    /// Not at all.
    Open,
    /// WPA2 with a key.
    #[serde(rename = "wpa2-psk")]
    Wpa2Psk,
    /// WPA3 with a password.
    #[serde(rename = "wpa3-sae")]
    Wpa3Sae,
    /// With certificates on both sides.
    WpaEapTls,
}

/// Who a device is to a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Eap {
    /// The name that it gives.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 253)))]
    pub identity: String,
    /// The authority of the network, by its id in `certificates`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = super::artifact::ID)))]
    pub ca_cert: String,
    /// The device's own certificate, by its id in `certificates`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = super::artifact::ID)))]
    pub client_cert: String,
}

#[cfg(feature = "cli")]
fn needs(schema: &mut schemars::Schema) {
    let is =
        |security: &str| serde_json::json!({"required": ["security"], "properties": {"security": {"const": security}}});
    let needs = |security: &str, member: &str| {
        serde_json::json!({"if": is(security), "then": {
            "required": [member],
            "x-twinops-reason": format!("a network with `security: {security}` cannot be joined without `{member}`"),
        }})
    };
    schema.insert(
        "allOf".to_owned(),
        serde_json::json!([
            needs("wpa2-psk", "secretRef"), needs("wpa3-sae", "secretRef"), needs("wpa-eap-tls", "eap"),
            {
                "if": {"required": ["state"], "properties": {"state": {"const": "absent"}}},
                "else": {
                    "required": ["security"],
                    "x-twinops-reason": "how the network is protected has to be said; write `open` for one that is not",
                },
            },
        ]),
    );
}
