//! Validating a repository: `cargo bench --bench validate [-- FILES]`, 100,000 files of about 1 KB unless told.
//!
//! * `validate`: a folder 1 % of whose documents are wrong in one of several ways: reading, checking, and line and
//!   column of every finding; then a folder without faults, whose devices are resolved as well: every rule. Beside them
//!   a bare YAML parser with one schema on all processors, without a word on where anything stands.
//! * `again`: `twinops validate` as a process, in a repository of that size: for the first time, and after a commit of
//!   100 files, from git's objects and from the working tree. Beside it `git diff` and the contents of those files.
//! * `watch`: `twinops validate --watch` in a repository of a tenth of that size: from the save of a file to the last
//!   line of the answer.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod again;
mod fleet;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use std::{path::Path, sync::Arc};

use fleet::OFF;
use rayon::prelude::*;
use serde_json::Value;
use support::{Folder, again, figure, heading, peak_mb, size, timed};
use twinops::fleet::{
    Kind, Locator, Source, load,
    resolve::{self, Resolver, Secrets},
};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if let Some(words) = support::words() {
        let [what, folder] = words.as_slice() else { unreachable!("two words, below") };
        return run(what, Path::new(folder));
    }
    let files = size(100_000);
    let (faulty, sound) = (Folder::new("validate-faulty"), Folder::new("validate-sound"));
    let bytes = fleet::write(faulty.path(), files, true);
    fleet::write(sound.path(), files, false);
    heading(&format!("{files} files, {} bytes each, 1 in {OFF} wrong", bytes / files));
    for (what, folder) in [("validate", &faulty), ("resolve", &sound), ("floor", &faulty)] {
        again(&[what, &folder.path().to_string_lossy()]);
    }
    again::measure(sound.path(), files);
    let small = Folder::new("validate-watch");
    fleet::write(small.path(), files / 10, false);
    watch::measure(small.path(), files / 10);
}

fn run(what: &str, folder: &Path) {
    match what {
        "validate" => {
            // What was read stays in memory: freeing it is no part of the work.
            let ((documents, found, _read), cost) = timed(|| validate(folder));
            assert_eq!(found as u64, documents / OFF, "what is wrong is found, and nothing else");
            figure("validate", cost.rate(documents), "docs/s", "35,000");
            figure("  processor time a document", cost.each(documents), "us", "57 (two processors)");
            figure("  most memory held", peak_mb(), "MB", "64");
            steps(folder);
        }
        "resolve" => {
            let ((documents, found, _read), cost) = timed(|| validate(folder));
            assert_eq!(found, 0, "nothing is wrong");
            figure("without faults, every rule", cost.rate(documents), "docs/s", "35,000");
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

/// Documents read, findings located, and all that was made on the way.
fn validate(folder: &Path) -> (u64, usize, impl Sized) {
    let source = Source::read_folder(folder).expect("the folder is there");
    let loaded = load(&source);
    let mut findings = loaded.findings.clone();
    let resolver = loaded.fleet.clone().filter(|_| loaded.is_sound()).map(|fleet| {
        let resolver = Resolver::new(fleet, Arc::clone(&loaded.registry), Secrets::placeholders());
        findings.extend(resolve::check(&resolver));
        resolver
    });
    let locator = Locator::new(&source);
    let located = findings.iter().filter_map(|finding| locator.locate(finding.place.as_ref()?));
    let located = located.filter(|location| location.line > 0).count();
    drop(locator);
    (loaded.documents as u64, located, (source, loaded, findings, resolver))
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
