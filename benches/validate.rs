//! Validating a repository: documents per second, and the memory it takes.
//!
//! `cargo bench --bench validate` writes 10,000 files of about 1 KB, one document each, 1 % of which are wrong in one of
//! several ways, and does what `twinops validate` does: read the folder, give every document its type, check it, and find
//! line and column of every finding. A second run is over the same files without the faults: only then are the
//! devices resolved as well. The floor beside them is a bare YAML parser and one schema on all processors, without a
//! word on where anything stands.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use rayon::prelude::*;
use serde_json::Value;
use support::{Folder, Numbers, again, figure, heading, peak_mb, size, timed};
use twinops::fleet::{
    Kind, Locator, Source, load,
    resolve::{self, Resolver, Secrets},
};

/// One document in so many is wrong.
const OFF: u64 = 100;
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

fn main() {
    if let Some(words) = support::words() {
        let [what, folder] = words.as_slice() else { unreachable!("two words, below") };
        return run(what, Path::new(folder));
    }
    let files = size(10_000);
    let (faulty, sound) = (Folder::new("validate-faulty"), Folder::new("validate-sound"));
    let bytes = write_fleet(faulty.path(), files, true);
    write_fleet(sound.path(), files, false);
    heading(&format!("{files} files, {} bytes each, 1 in {OFF} wrong", bytes / files));
    for (what, folder) in [("validate", &faulty), ("resolve", &sound), ("floor", &faulty)] {
        again(&[what, &folder.path().to_string_lossy()]);
    }
}

fn run(what: &str, folder: &Path) {
    match what {
        "validate" => {
            let ((documents, found), cost) = timed(|| validate(folder));
            assert_eq!(found as u64, documents / OFF, "what is wrong is found, and nothing else");
            figure("validate", cost.rate(documents), "docs/s", "35,000");
            figure("  processor time a document", cost.each(documents), "us", "57 (two processors)");
            figure("  most memory held", peak_mb(), "MB", "64");
            steps(folder);
        }
        "resolve" => {
            let ((documents, found), cost) = timed(|| validate(folder));
            assert_eq!(found, 0, "nothing is wrong");
            figure("the same without faults, every device resolved", cost.rate(documents), "docs/s", "-");
            figure("  processor time a document", cost.each(documents), "us", "-");
            figure("  most memory held", peak_mb(), "MB", "-");
        }
        _ => {
            let (documents, cost) = timed(|| floor(folder));
            figure("floor: bare YAML and JSON Schema, all processors", cost.rate(documents), "docs/s", "-");
            figure("  processor time a document", cost.each(documents), "us", "-");
            figure("  most memory held", peak_mb(), "MB", "-");
        }
    }
}

/// Documents read, and findings located.
fn validate(folder: &Path) -> (u64, usize) {
    let source = Source::read_folder(folder).expect("the folder is there");
    let loaded = load(&source);
    let mut findings = loaded.findings.clone();
    if let Some(fleet) = loaded.fleet.clone().filter(|_| loaded.is_sound()) {
        let resolver = Resolver::new(fleet, Arc::clone(&loaded.registry), Secrets::placeholders());
        findings.extend(resolve::check(&resolver));
    }
    let locator = Locator::new(&source);
    let located = findings.iter().filter_map(|finding| locator.locate(finding.place.as_ref()?));
    (loaded.documents as u64, located.filter(|location| location.line > 0).count())
}

/// Where the time goes.
fn steps(folder: &Path) {
    let (source, read) = timed(|| Source::read_folder(folder).expect("the folder is there"));
    let (loaded, load) = timed(|| load(&source));
    let documents = loaded.documents as u64;
    figure("  of that: reading the files", read.time.as_secs_f64() * 1e3, "ms", "-");
    figure("  of that: parsing and checking", load.time.as_secs_f64() * 1e3, "ms", "-");
    figure("  of that: parsing and checking, processor time", load.each(documents), "us", "-");
}

fn floor(folder: &Path) -> u64 {
    let source = Source::read_folder(folder).expect("the folder is there");
    let device = jsonschema::validator_for(&Kind::Device.schema()).expect("a schema");
    let read = |text: &[u8]| serde_yaml::from_slice::<Value>(text).is_ok_and(|value| device.is_valid(&value));
    let valid = source.files.par_iter().filter(|file| read(&file.text)).count();
    assert!(valid > source.files.len() / 2, "most are valid devices");
    source.files.len() as u64
}

/// A fleet of `files` files below `folder`; how many bytes they hold.
fn write_fleet(folder: &Path, files: u64, faulty: bool) -> u64 {
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
            _ => (format!("devices/{:02}/kiosk-{index:06}.yaml", index % FOLDERS), device(index, &mut numbers)),
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

fn profile(index: u64) -> String {
    format!(
        "apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: profile-{index:02} }}\nspec:\n  \
         where: tags.group = {index}\n  priority: {index}\n  desired:\n    time:\n      ntp:\n        \
         fallbackServers: [\"${{vars.ntp}}\"]\n    telemetry: {{ level: required }}\n"
    )
}

fn device(index: u64, numbers: &mut Numbers) -> String {
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
