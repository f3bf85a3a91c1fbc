//! The whole walk: from a saved file to the last device that has applied it.
//!
//! `cargo bench --bench walk [-- TIMES]` starts `twinops up` on a copy of `examples/fleet`: a hub, its 20 devices over TLS,
//! and a reconciliation at every save. It then changes a value that reaches 19 of them, 30 times, and measures from
//! the moment of the save until `up` has read the acknowledgements of all of those from the hub. There is no peer to
//! measure beside it on one machine; the first line of figures is what `up` takes from nothing to devices in order.

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use support::{Folder, figure, heading, memory_mb};

const DEVICES: usize = 20;
/// Those that a save reaches: one has a value of its own.
const REACHED: usize = 19;
/// What `up` says on stderr when the devices have caught up, after their number.
const APPLIED: &str = " devices applied it within ";
/// What it says when it waits for the next save.
const WATCHING: &str = "watching ";
/// The value that is changed; devices get it from profiles.
const VALUE: &str = "ntp: time.contoso.example";

fn main() {
    let times = usize::try_from(support::size(30)).expect("a few");
    let folder = Folder::new("walk");
    let fleet = folder.path().join("fleet");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet"), &fleet);
    heading(&format!("{DEVICES} devices of `twinops up`, {times} saves"));
    let start = Instant::now();
    let mut up = Up::start(&fleet, &folder.path().join("state"));
    up.until_applied(DEVICES);
    figure("from nothing to devices in order", start.elapsed().as_secs_f64(), "s", "-");
    let document = fleet.join("fleet.yaml");
    let text = fs::read_to_string(&document).expect("the example's fleet");
    assert!(text.contains(VALUE), "the example has the value that is changed here");
    let mut walks: Vec<Duration> = (0..times)
        .map(|time| {
            let saved = Instant::now();
            fs::write(&document, text.replace(VALUE, &format!("ntp: time-{time}.contoso.example"))).expect("a save");
            up.until_applied(REACHED);
            saved.elapsed()
        })
        .collect();
    walks.sort();
    figure("save to the last device, half of the times", milliseconds(&walks, 50), "ms", "-");
    figure("save to the last device, 95 of 100 times", milliseconds(&walks, 95), "ms", "1,000");
    figure("  longest", milliseconds(&walks, 100), "ms", "-");
    let process = up.child.id().to_string();
    figure("  memory of hub, devices and reconciler", memory_mb(&process, "VmRSS:"), "MB", "-");
}

fn milliseconds(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted[at].as_secs_f64() * 1e3
}

/// A running `twinops up`; ends with this value.
struct Up {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Up {
    fn start(fleet: &Path, state: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_twinops"))
            .arg("up")
            .arg(fleet)
            .arg("--state")
            .arg(state)
            .args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("twinops starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Until so many devices have applied what was saved, and the next save is waited for.
    fn until_applied(&mut self, devices: usize) {
        let mut all = false;
        for line in &mut self.lines {
            let line = line.expect("a text");
            if let Some((count, _)) = line.split_once(APPLIED) {
                assert_eq!(count.parse(), Ok(devices), "every device applies it");
                all = true;
            }
            if line.starts_with(WATCHING) {
                assert!(all, "every device applies it");
                return;
            }
        }
        panic!("`twinops up` has ended");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _no_zombie = self.child.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}
