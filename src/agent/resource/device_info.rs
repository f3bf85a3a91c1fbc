//! What a Linux device tells about itself: read only.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Fault, Refusal, Resource};
use crate::{
    agent::port::{Tree, hex, machine},
    component::device_info::{DeviceInfo as Info, OperatingSystem, SecureBoot, Storage},
    twin::Map,
};

const SECURE_BOOT: &str = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const MIB: u64 = 1024 * 1024;

/// Reads below a root, which is `/` but for tests and images.
#[derive(Debug, Clone)]
pub(crate) struct DeviceInfo {
    tree: Tree,
}

impl DeviceInfo {
    pub(crate) fn new(root: &Path) -> Self {
        Self { tree: Tree::new(root) }
    }

    fn text(&self, path: &str) -> Option<String> {
        let text = self.tree.text(path).ok()??;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn first(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.text(path))
    }

    fn info(&self) -> Info {
        let dmi = |name: &str| self.text(&format!("sys/class/dmi/id/{name}"));
        Info {
            id: self.text("etc/machine-id").map(|id| pseudonym(&id)),
            manufacturer: dmi("sys_vendor"),
            model: dmi("product_name").or_else(|| self.text("proc/device-tree/model")),
            hardware_version: dmi("product_version"),
            serial: dmi("product_serial").or_else(|| self.text("proc/device-tree/serial-number")),
            firmware_version: dmi("bios_version"),
            os: Some(self.os()),
            host_name: self.first(&["proc/sys/kernel/hostname", "etc/hostname"]),
            architecture: Some(architecture()),
            total_memory_mib: self.memory(),
            storage: self.storage(),
            secure_boot: Some(self.secure_boot()),
            boot_id: self.text("proc/sys/kernel/random/boot_id"),
        }
    }

    fn os(&self) -> OperatingSystem {
        let release = self.first(&["etc/os-release", "usr/lib/os-release"]).unwrap_or_default();
        let value = |name: &str| {
            let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
            Some(line.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
        };
        OperatingSystem {
            name: value("ID"),
            version: value("VERSION_ID"),
            build: value("BUILD_ID"),
            edition: value("VARIANT_ID"),
            kernel: Some(machine().0),
        }
    }

    fn memory(&self) -> Option<u64> {
        let text = self.text("proc/meminfo")?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib / 1024)
    }

    fn storage(&self) -> Option<Storage> {
        let disk = self.tree.disk()?;
        Some(storage(disk.total / MIB, disk.free / MIB))
    }

    fn secure_boot(&self) -> SecureBoot {
        // Four bytes of attributes stand before the value.
        match self.tree.bytes(SECURE_BOOT).ok().flatten().and_then(|bytes| bytes.get(4).copied()) {
            None => SecureBoot::Unsupported,
            Some(1) => SecureBoot::Enabled,
            Some(_) => SecureBoot::Disabled,
        }
    }
}

fn storage(total_mib: u64, free_mib: u64) -> Storage {
    let step = (total_mib / 20).max(1);
    Storage { total_mib, free_mib: free_mib / step * step }
}

/// The machine's own id is a secret of the system; what others see is derived from it.
fn pseudonym(machine: &str) -> String {
    let digest = Sha256::digest(format!("twinops device id\n{machine}"));
    hex(&digest[..16])
}

fn architecture() -> String {
    let (_, machine) = machine();
    let neutral = match machine.as_str() {
        "x86_64" => "x64",
        "i386" | "i586" | "i686" => "x86",
        "aarch64" => "arm64",
        arm if arm.starts_with("arm") => "arm",
        _ => return machine,
    };
    neutral.to_owned()
}

impl Resource for DeviceInfo {
    fn check(&self, property: &str, _wanted: &Value) -> Result<(), Refusal> {
        Err(Refusal::Unsupported(format!("`deviceInfo` is read only; `{property}` cannot be set")))
    }

    async fn read(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        Ok(self.facts().await.remove(property))
    }

    async fn ensure(&self, property: &str, _wanted: Option<&Value>) -> Result<(), Fault> {
        Err(Fault::new(format!("`{property}` cannot be set")))
    }

    async fn facts(&self) -> Map {
        match serde_json::to_value(self.info()) {
            Ok(Value::Object(facts)) => facts,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn root(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[tokio::test]
    async fn what_the_system_says_is_told_and_the_rest_left_out() {
        let root = root(&[
            ("etc/os-release", b"NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n"),
            ("etc/machine-id", b"0123456789abcdef0123456789abcdef\n"),
            ("proc/meminfo", b"MemTotal:        2048000 kB\nMemFree: 1 kB\n"),
            ("proc/device-tree/model", b"Board 4\0"),
            (SECURE_BOOT, &[6, 0, 0, 0, 1]),
        ]);
        let facts = DeviceInfo::new(root.path()).facts().await;
        assert_eq!((&facts["os"]["name"], &facts["os"]["version"]), (&json!("debian"), &json!("12")));
        assert_eq!(facts["totalMemoryMiB"], json!(2000));
        assert_eq!(facts["model"], json!("Board 4"));
        assert_eq!(facts["secureBoot"], json!("enabled"));
        assert!(facts["storage"]["totalMiB"].as_u64().unwrap() > 0);
        assert!(!facts.contains_key("manufacturer"));
        assert!(!Value::Object(facts).to_string().contains("0123456789abcdef"));
    }

    #[test]
    fn free_storage_moves_in_steps() {
        assert_eq!(storage(1000, 499), Storage { total_mib: 1000, free_mib: 450 });
        assert_eq!(storage(0, 0), Storage { total_mib: 0, free_mib: 0 });
    }
}
