//! Planning for and writing to a hub: `cargo bench --bench reconcile [-- WHAT [SIZE]]`, where WHAT is one of
//!
//! * `write`: PATCH requests a second against a hub of a few lines that answers at once;
//! * `fleet`: the built command on a fleet of 100,000 devices and our own hub over HTTPS: a plan that reads every twin, the
//!   plans after changes of one line, and the write of a change to every device beside the hub's durable write rate;
//! * `portal`: `portal` on as many: how long its pages take, and the memory that it holds;
//! * `watch`: `reconcile --watch` on as many: the memory that it holds, and from a webhook to the first write.
//!
//! Without a word all of them, one after the other. Hub and clients share the machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]
#![expect(clippy::cast_precision_loss, reason = "no figure needs sixteen digits")]

#[path = "../hub/devices.rs"]
#[expect(dead_code, reason = "devices are registered here, and not read")]
mod devices;
mod fleet;
#[path = "../hub/load.rs"]
#[expect(dead_code, reason = "the rate is what is of interest here")]
mod load;
mod portal;
#[path = "../hub/process.rs"]
#[expect(dead_code, reason = "shared with the benchmarks of the hub")]
mod process;
#[path = "../hub/rest.rs"]
mod rest;
#[path = "../support/mod.rs"]
mod support;
mod watch;
mod write;

use tokio::runtime::Runtime;

fn main() {
    // Whoever was first has chosen the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    if let Some(words) = support::words() {
        let [what, size] = words.as_slice() else { unreachable!("two words, below") };
        let size = size.parse().expect("a number, below");
        let runtime = Runtime::new().expect("a runtime");
        return runtime
            .block_on(async { if what == "peer" { write::run_peer(size).await } else { write::run(size).await } });
    }
    let size = support::size(100_000);
    let asked = |what: &str| std::env::args().any(|word| word == what);
    let all = !["write", "fleet", "portal", "watch"].into_iter().any(asked);
    if all || asked("write") {
        write::both(size);
    }
    if all || asked("fleet") {
        fleet::run(size);
    }
    if all || asked("portal") {
        portal::run(size);
    }
    if all || asked("watch") {
        watch::run(size);
    }
}
