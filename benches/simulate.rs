//! The simulator: `cargo bench --bench simulate [-- DEVICES]`. Hub and devices are processes of their own, so that the
//! figures are those of the devices alone; what the kernel holds for their sockets is not in them.

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]
#![expect(clippy::cast_precision_loss, reason = "no figure needs sixteen digits")]

#[path = "hub/process.rs"]
#[expect(dead_code, reason = "the benchmark of the hub uses more of it")]
mod process;
mod support;

use std::{
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use process::Hub;
use serde_json::Value;
use support::{Folder, figure, heading};
use twinops::hub::offline;

/// Devices that fill what all of them share; their memory does not count for each.
const FEW: u64 = 100;
/// How long idle devices are watched.
const IDLE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "there is no runtime here")]
fn main() {
    let count = support::size(10_000);
    heading(&format!("{count} simulated devices over TLS in one process"));
    let folder = Folder::new("simulate");
    // An eighth of all connections is for the REST side alone.
    let most = (count * 8 / 7 + 64).to_string();
    let hub = Hub::start(folder.path(), &["--max-connections", &most]);
    let few = Simulation::start(folder.path(), &hub, FEW).memory();
    let start = Instant::now();
    let mut all = Simulation::start(folder.path(), &hub, count);
    let (cpu, seconds) = (process::cpu(all.child.id()), start.elapsed().as_secs_f64());
    let memory = all.memory();
    figure("memory", memory / 1e6, "MB", "500 for 10,000");
    figure("memory at its most", support::memory_mb(&all.child.id().to_string(), "VmHWM:"), "MB", "-");
    figure("memory of each device", (memory - few) / (count - FEW) as f64, "bytes", "50,000");
    figure("until all are made, connected and have reported", seconds, "s", "-");
    figure("processor time for each, until then", cpu * 1e6 / count as f64, "us", "-");
    let before = process::cpu(all.child.id());
    sleep(IDLE);
    let idle = (process::cpu(all.child.id()) - before) / IDLE.as_secs_f64() * 100.0;
    figure("processor, idle devices that are kept alive", idle, "%", "-");
    all.settled(count);
}

struct Simulation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Simulation {
    /// Devices that are settled.
    fn start(folder: &Path, hub: &Hub, count: u64) -> Self {
        let state = folder.join("state");
        let service = offline::service_connection_string(&state, "iothubowner").expect("its policies");
        let mut child = Command::new(env!("CARGO_BIN_EXE_twinops"))
            .args(["simulate", "--create", "--format", "json", "--every", "200ms", "--devices", &count.to_string()])
            .args(["--mqtt", &format!("localhost:{}", hub.mqtt.port())])
            .env("IOTHUB_CONNECTION_STRING", service.reveal())
            .env("TWINOPS_CA", offline::ca_pem_path(&state).expect("an authority of its own"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("simulated devices");
        let lines = BufReader::new(child.stdout.take().expect("its words")).lines();
        let mut simulation = Self { child, lines };
        simulation.settled(count);
        simulation
    }

    /// Reads on until so many devices are settled.
    fn settled(&mut self, count: u64) {
        let mut events = self.lines.by_ref().map_while(Result::ok);
        let settled = |line: String| serde_json::from_str::<Value>(&line).is_ok_and(|event| event["settled"] == count);
        assert!(events.any(settled), "all devices settle");
    }

    fn memory(&self) -> f64 {
        process::memory(self.child.id())
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
