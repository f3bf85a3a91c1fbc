//! The part of a fleet that one device depends on.

use super::source::{Source, SourceFile};
use crate::twin::DeviceId;

/// What every file that matters to all devices spells out: the kinds of its documents.
const SHARED: [&str; 2] = ["Fleet", "Profile"];

impl Source {
    /// The files that may say something about a device: all but those that hold other devices and nothing else. Told
    /// by their text, so that ten thousand files need not be parsed for one; a file about which there is any doubt
    /// stays.
    #[must_use]
    pub fn about(&self, device: &DeviceId) -> Self {
        let files = self.files.iter().filter(|file| may_concern(file, device)).cloned().collect();
        Self { files, schemas: self.schemas.clone(), sealed: self.sealed.clone() }
    }
}

fn may_concern(file: &SourceFile, device: &DeviceId) -> bool {
    let Ok(text) = std::str::from_utf8(&file.text) else { return true };
    // Escapes and doubled quotes are how YAML spells a word in another way.
    text.contains(device.as_str())
        || SHARED.iter().any(|kind| text.contains(kind))
        || text.contains('\\')
        || (device.as_str().contains('\'') && text.contains("''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(device: &str, text: &[u8]) -> bool {
        let source = Source::from_files([SourceFile { path: "a.yaml".into(), text: text.into() }]);
        !source.about(&DeviceId::new(device).unwrap()).files.is_empty()
    }

    #[test]
    fn what_may_concern_a_device_stays() {
        assert!(kept("kiosk-1", b"kind: Device\nmetadata: { name: kiosk-1 }\n"));
        assert!(kept("kiosk-1", b"kind: Device\nmetadata: { name: \"kiosk\\x2d1\" }\n"));
        assert!(kept("it's", b"kind: Device\nmetadata: { name: 'it''s' }\n"));
        assert!(kept("kiosk-1", b"kind: Profile\nmetadata: { name: base }\n"));
        assert!(kept("kiosk-1", b"kind: Fleet\nmetadata: { name: f }\n"));
        assert!(kept("kiosk-1", b"\xff"), "nobody can tell");
        assert!(!kept("kiosk-1", b"kind: Device\nmetadata: { name: kiosk-2 }\n"));
        assert!(!kept("kiosk-1", b"kind: Rollout\nmetadata: { name: r }\n"));
    }
}
