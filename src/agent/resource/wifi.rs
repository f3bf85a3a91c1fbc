//! `wifi` on Linux: profiles of `NetworkManager`, written as its key files.
//!
//! The key of a network never stands in the twin nor in a command line: it is read from a file on the device.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Fault, Refusal, Resource, certificates::personal, check_id, kept, typed, unkept, wanted};
use crate::{
    agent::port::{Kept, Port, Run, hex},
    component::{
        artifact::Presence,
        wifi::{Network, WifiSecurity},
    },
};

const PROFILES: &str = "etc/NetworkManager/system-connections";
/// Where secrets lie that the twin names, one a file.
pub(crate) const SECRETS: &str = "etc/twinops/secrets";

/// The wireless networks.
#[derive(Debug)]
pub(crate) struct Wifi<R> {
    port: Port<R>,
}

#[derive(Serialize, Deserialize)]
struct Before {
    profile: Kept,
}

fn name(id: &str) -> String {
    format!("twinops-{id}")
}

fn path(id: &str) -> String {
    format!("{PROFILES}/{}.nmconnection", name(id))
}

/// The same for the same id, so that writing a profile again does not make another one.
fn uuid(id: &str) -> String {
    let digest = Sha256::digest(format!("twinops wifi\n{id}"));
    let hex = hex(&digest[..16]);
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// A value as key files hold it (`g_key_file`): a backslash escapes, and a space in front would be lost.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    match value.strip_prefix(' ') {
        Some(rest) => format!("\\s{rest}"),
        None => value,
    }
}

/// The network's name as bytes: the one form that no letter in it can break.
fn bytes(ssid: &str) -> String {
    ssid.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte};");
        text
    })
}

impl<R: Run> Wifi<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }

    fn secret(&self, network: &Network) -> Result<String, Fault> {
        let Some(secret) = &network.secret_ref else { return Err(Fault::new("no `secretRef` names the key")) };
        let path = format!("{SECRETS}/{}", secret.name);
        let text = self.port.tree.text(&path)?;
        let missing = || Fault::new(format!("this device has no secret `{}`; put it into /{path}", secret.name));
        text.map(|text| text.trim_end_matches('\n').to_owned()).ok_or_else(missing)
    }

    /// The key file of a network.
    fn profile(&self, id: &str, network: &Network) -> Result<String, Fault> {
        let auto = network.auto_connect.unwrap_or(true);
        let mut text = format!(
            "[connection]\nid={}\nuuid={}\ntype=wifi\nautoconnect={auto}\nautoconnect-priority={}\n\n\
             [wifi]\nmode=infrastructure\nssid={}\n",
            name(id),
            uuid(id),
            network.priority.unwrap_or(0),
            bytes(&network.ssid)
        );
        if network.hidden == Some(true) {
            text.push_str("hidden=true\n");
        }
        match network.security {
            None | Some(WifiSecurity::Open) => {}
            Some(WifiSecurity::Wpa2Psk) => self.psk(&mut text, "wpa-psk", network)?,
            Some(WifiSecurity::Wpa3Sae) => self.psk(&mut text, "sae", network)?,
            Some(WifiSecurity::WpaEapTls) => eap(&mut text, network)?,
        }
        text.push_str("\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n");
        Ok(text)
    }

    fn psk(&self, text: &mut String, management: &str, network: &Network) -> Result<(), Fault> {
        let key = escaped(&self.secret(network)?);
        let _ = write!(text, "\n[wifi-security]\nkey-mgmt={management}\npsk={key}\n");
        Ok(())
    }

    async fn load(&self, id: &str) -> Result<(), Fault> {
        if !self.port.is_live() {
            return Ok(());
        }
        let file = format!("/{}", path(id));
        self.port.run("nmcli", &["connection", "load", &file]).await.map(drop)
    }

    async fn take_away(&self, id: &str) -> Result<(), Fault> {
        self.port.tree.remove(&path(id))?;
        if !self.port.is_live() {
            return Ok(());
        }
        self.port.run("nmcli", &["connection", "reload"]).await.map(drop)
    }
}

/// What a network asks of a device that proves itself by a certificate.
fn eap(text: &mut String, network: &Network) -> Result<(), Fault> {
    let Some(eap) = &network.eap else { return Err(Fault::new("no `eap` says who the device is")) };
    let key = network.secret_ref.as_ref().map(|secret| format!("/{SECRETS}/{}", secret.name));
    let key = key.ok_or_else(|| Fault::new("no `secretRef` names the file of the private key"))?;
    let _ = write!(
        text,
        "\n[wifi-security]\nkey-mgmt=wpa-eap\n\n[802-1x]\neap=tls;\nidentity={}\nca-cert=/{}\nclient-cert=/{}\n\
         private-key={key}\nprivate-key-password-flags=4\n",
        escaped(&eap.identity),
        personal(&eap.ca_cert),
        personal(&eap.client_cert)
    );
    Ok(())
}

impl<R: Run> Resource for Wifi<R> {
    fn depends_on(&self) -> &[&'static str] {
        &["certificates"]
    }

    fn lack(&self) -> Option<String> {
        (!self.port.has("nmcli")).then(|| "this device has no NetworkManager; nothing else is supported yet".to_owned())
    }

    fn may_cut_off(&self, _property: &str, _wanted: Option<&Value>) -> bool {
        true
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let network: Network = typed(property, wanted)?;
        if !(1..=32).contains(&network.ssid.len()) {
            return Err(Refusal::Invalid("`ssid` must have 1 to 32 bytes".to_owned()));
        }
        let named = network.secret_ref.as_ref().map_or("x", |secret| secret.name.as_str());
        let formed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if named.is_empty() || named.starts_with('.') || !named.chars().all(formed) {
            return Err(Refusal::Invalid(format!("`{named}` is not the name of a secret")));
        }
        let ids = network.eap.iter().flat_map(|eap| [&eap.ca_cert, &eap.client_cert]);
        ids.map(String::as_str).try_for_each(check_id)
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let network: Network = super::wanted(property, Some(wanted))?;
        let held = self.port.tree.text(&path(property))?;
        let absent = network.state == Some(Presence::Absent);
        let fits = match &held {
            None => absent,
            Some(held) => !absent && *held == self.profile(property, &network)?,
        };
        if fits {
            return Ok(Some(wanted.clone()));
        }
        // What differs may be the key; no more is told than that something does.
        Ok(held.map(|_| json!({"ssid": network.ssid, "state": "present"})))
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let network: Network = wanted(property, value)?;
        if network.state == Some(Presence::Absent) {
            return self.take_away(property).await;
        }
        let text = self.profile(property, &network)?;
        self.port.tree.write(&path(property), text.as_bytes(), 0o600)?;
        self.load(property).await
    }

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        kept(&Before { profile: self.port.tree.keep(&path(property))? })
    }

    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let before: Before = unkept(before)?;
        if before.profile == Kept::Absent {
            return self.take_away(property).await;
        }
        self.port.tree.put_back(&path(property), &before.profile)?;
        self.load(property).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::agent::port::recorded::Recorded;

    fn device() -> (tempfile::TempDir, Wifi<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        port.tree.write_text("usr/bin/nmcli", "").unwrap();
        port.tree.write(&format!("{SECRETS}/plant"), b"a\\b key\n", 0o600).unwrap();
        (root, Wifi::new(port.living()))
    }

    fn plant() -> Value {
        json!({"ssid": "Pl\u{e4}nt 1", "security": "wpa2-psk", "secretRef": {"name": "plant"}, "priority": 10})
    }

    #[tokio::test]
    async fn a_network_is_joined_read_back_and_left() {
        let (root, wifi) = device();
        let before = wifi.snapshot("plant", &plant()).await.unwrap();
        assert_eq!(wifi.read("plant", &plant()).await, Ok(None));
        wifi.ensure("plant", Some(&plant())).await.unwrap();
        assert_eq!(wifi.read("plant", &plant()).await, Ok(Some(plant())));
        let file = root.path().join(path("plant"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("\nssid=80;108;195;164;110;116;32;49;\n") && text.contains("\npsk=a\\\\b key\n"),
            "{text}"
        );
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let ran = wifi.port.programs().ran();
        assert_eq!(ran, ["nmcli connection load /etc/NetworkManager/system-connections/twinops-plant.nmconnection"]);
        wifi.restore("plant", "plant", before.as_ref()).await.unwrap();
        assert!(!file.exists());
        assert_eq!(wifi.port.programs().ran(), ["nmcli connection reload"]);
    }

    #[tokio::test]
    async fn a_key_that_changed_on_the_device_is_seen_and_never_told() {
        let (_root, wifi) = device();
        wifi.ensure("plant", Some(&plant())).await.unwrap();
        wifi.port.tree.write(&format!("{SECRETS}/plant"), b"other", 0o600).unwrap();
        let found = wifi.read("plant", &plant()).await.unwrap().unwrap();
        assert_ne!(found, plant());
        assert!(!found.to_string().contains("key"));
        assert!(!wifi.port.programs().ran().join(" ").contains("key"));
    }

    #[tokio::test]
    async fn a_secret_that_is_missing_is_named() {
        let (_root, wifi) = device();
        let mut wanted = plant();
        wanted["secretRef"]["name"] = "none".into();
        let fault = wifi.ensure("plant", Some(&wanted)).await.unwrap_err().to_string();
        assert_eq!(fault, "this device has no secret `none`; put it into /etc/twinops/secrets/none");
        wanted["secretRef"]["name"] = "../../shadow".into();
        assert!(matches!(wifi.check("plant", &wanted), Err(Refusal::Invalid(_))));
    }

    #[test]
    fn certificates_are_named_by_their_ids() {
        let (_root, wifi) = device();
        let wanted = json!({
            "ssid": "P", "security": "wpa-eap-tls", "secretRef": {"name": "plant"},
            "eap": {"identity": "d1", "caCert": "ca", "clientCert": "me"}
        });
        let network: Network = typed("p", &wanted).unwrap();
        let text = wifi.profile("p", &network).unwrap();
        assert!(text.contains("\nca-cert=/etc/twinops/certificates/ca.crt\n"), "{text}");
        assert!(text.contains("\nprivate-key=/etc/twinops/secrets/plant\n"), "{text}");
        assert_eq!(uuid("p").len(), 36);
    }
}
