//! Importing live twins: time and memory from a snapshot to a repository on disk.
//!
//! `cargo bench --bench import [-- SIZE]` imports 100,000 twins of about 2 KB, the whole command but its start, in a
//! process of its own: once a fleet as fleets are, once one in which every device has values of its own. The floor
//! beside it is what it costs to read and parse every line into a tree.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod snapshot;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    sync::Arc,
};

use serde_json::Value;
use support::{Folder, again, figure, heading, peak_mb, timed};
use twinops::{
    component::Registry,
    import::{Importer, Options},
    twin::TwinRow,
};

fn main() {
    if let Some(words) = support::words() {
        let [what, path] = words.as_slice() else { unreachable!("two words, below") };
        return if what == "floor" { floor(Path::new(path)) } else { run(Path::new(path)) };
    }
    let folder = Folder::new("import");
    let size = support::size(100_000);
    for (name, own) in [("alike", 20), ("unlike", 1)] {
        let path = folder.path().join(format!("{name}.ndjson"));
        let bytes = snapshot::write(&path, size, own);
        let words = if own == 1 { "every device" } else { "1 device in 20" };
        heading(&format!("{size} twins, {} bytes each, {words} with values of its own", bytes / size));
        let path = path.to_string_lossy();
        again(&["import", &path]);
        again(&["floor", &path]);
    }
}

/// Each line of the snapshot.
fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = BufReader::with_capacity(1 << 20, File::open(path).expect("the snapshot"));
    file.lines().map(|line| line.expect("a line"))
}

fn run(path: &Path) {
    let size = fs::metadata(path).expect("the snapshot").len();
    let (imported, cost) = timed(|| {
        let options = Options { name: "bench".to_owned(), ..Options::default() };
        let mut reader = Importer::new(options, Arc::new(Registry::builtin()));
        for line in lines(path) {
            reader.take(&TwinRow::parse(&line).expect("a twin")).expect("a twin that can be read");
        }
        let imported = reader.finish().expect("no secrets");
        let root = path.with_extension("fleet");
        for (path, text) in &imported.files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("room on the disk");
            fs::write(path, text).expect("room on the disk");
        }
        imported
    });
    assert_eq!(imported.left_out, []);
    let written: usize = imported.files.values().map(String::len).sum();
    figure("import", cost.time.as_secs_f64(), "s", "10");
    figure("  most memory held", peak_mb(), "MB", "1,000");
    figure("  processor time a twin", cost.each(imported.devices as u64), "us", "-");
    println!(
        "  {} profiles, {} devices with a document of their own, {} KB written of {} KB read",
        imported.profiles,
        imported.overrides,
        written / 1024,
        size / 1024
    );
}

fn floor(path: &Path) {
    let tree = |line: String| serde_json::from_str::<Value>(&line).expect("JSON");
    let (count, cost) = timed(|| lines(path).map(tree).filter(Value::is_object).count());
    figure("floor: read and parse each line into a tree, one thread", cost.time.as_secs_f64(), "s", "-");
    assert!(count > 0);
}
