//! A fleet to be checked: a document a file, about 1 KB each, and faults in some of them.

use std::{fmt::Write as _, fs, path::Path};

use crate::support::Numbers;

/// One document in so many is wrong.
pub(crate) const OFF: u64 = 100;
const PROFILES: u64 = 20;
const FOLDERS: u64 = 40;
const SITES: [&str; 6] = ["berlin", "oslo", "lyon", "porto", "turin", "gdansk"];
const ZONES: [&str; 4] = ["Europe/Berlin", "Europe/Oslo", "Europe/Paris", "Europe/Lisbon"];
/// Each fault, and what it replaces.
const FAULTS: [(&str, &str); 6] = [
    ("timeZone: ", "timeZone: 7 # "),
    ("allowAutoUpdate: 3", "allowAutoUpdates: 3"),
    ("enabled: true", "enabled: \"true\""),
    ("kind: Device", "kind: Devise"),
    ("  tags:", "  tag:"),
    ("    time:\n", "    time:\n      timeZone: UTC\n"),
];

/// A fleet of `files` files below `folder`; how many bytes they hold.
pub(crate) fn write(folder: &Path, files: u64, faulty: bool) -> u64 {
    let mut numbers = Numbers::new(11);
    let mut bytes = 0;
    for part in 0..FOLDERS {
        fs::create_dir_all(folder.join(format!("devices/{part:02}"))).expect("a folder");
    }
    fs::create_dir_all(folder.join("profiles")).expect("a folder");
    for index in 0..files {
        let (path, mut text) = match index {
            0 => ("fleet.yaml".to_owned(), fleet()),
            1..=PROFILES => (format!("profiles/profile-{index:02}.yaml"), profile(index)),
            _ => (path_of(index), device(index, &mut numbers)),
        };
        if faulty && index % OFF == OFF - 1 {
            let (right, wrong) = numbers.pick(&FAULTS);
            text = text.replacen(right, wrong, 1);
        }
        bytes += text.len() as u64;
        fs::write(folder.join(path), text).expect("room on the disk");
    }
    bytes
}

fn fleet() -> String {
    "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: bench }\nspec:\n  vars: { ntp: time.contoso.example }\n  guard: { maxChanged: 20%, maxPruned: 1% }\n".to_owned()
}

pub(crate) fn profile(index: u64) -> String {
    format!(
        "apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: profile-{index:02} }}\nspec:\n  \
         where: tags.group = {index}\n  priority: {index}\n  desired:\n    time:\n      ntp:\n        \
         fallbackServers: [\"${{vars.ntp}}\"]\n    telemetry: {{ level: required }}\n"
    )
}

pub(crate) fn device(index: u64, numbers: &mut Numbers) -> String {
    let (site, zone, floor) = (numbers.pick(&SITES), numbers.pick(&ZONES), numbers.below(5));
    let mut text = format!(
        "# yaml-language-server: $schema=../../schemas/fleet.schema.json\napiVersion: twinops/v1\nkind: Device\n\
         metadata:\n  name: kiosk-{index:06}\nspec:\n  identity: {{ type: sas }}\n  tags:\n    role: kiosk\n    \
         site: {site}\n    floor: {floor}\n    group: {}\n    asset: \"INV-{:08}\"\n    contact: facilities-{site}@contoso.example\n",
        index % PROFILES + 1,
        numbers.below(100_000_000),
    );
    let servers = ["a", "b", "c"].map(|server| format!("          - {server}.{site}.time.contoso.example\n")).concat();
    write!(
        text,
        "  desired:\n    time:\n      timeZone: {zone}\n      ntp:\n        enabled: true\n        servers:\n{servers}    \
         # The shop is open late here: agreed with the manager, see the minutes of the last round.\n    updates:\n      mode: scheduled\n      activeHours:\n        start: {}\n        \
         end: {}\n      schedule:\n        day: sun\n        time: \"0{}:30\"\n    windows:\n      windowsUpdatePolicy:\n        \
         applyProperties:\n          activeHoursStart: 7\n          activeHoursEnd: 20\n          allowAutoUpdate: 3\n          \
         scheduledInstallTime: 3\n        reportProperties: \"yes\"\n",
        5 + numbers.below(4),
        19 + numbers.below(4),
        numbers.below(6),
    )
    .expect("a text takes all");
    text
}

/// The file of a device.
pub(crate) fn path_of(index: u64) -> String {
    format!("devices/{:02}/kiosk-{index:06}.yaml", index % FOLDERS)
}
