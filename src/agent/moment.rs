//! What time it is, as far as this device can tell: its wall clock may be wrong, and jump; the time since it was started
//! does neither.

use std::fs;

use jiff::Timestamp;

/// Which start of the device this is; `None` where nobody counts them.
pub(crate) fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// Now, as it is reported.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
