//! The hub under load: `cargo bench --bench hub [-- WHAT [SIZE]]`, where WHAT is one of
//!
//! * `patch`: durable patches of twins over HTTPS, 64 clients at a time;
//! * `idle`: memory of idle MQTT links, with TLS and behind a proxy that ends it;
//! * `connect`: processor time of a TLS connect with its CONNECT;
//! * `notify`: from the answer of a PATCH to the device that hears of it, 2,000 a second on 19,000 links;
//! * `postgres`: the patches of `patch` on PostgreSQL, by one hub and by two;
//! * `wake`: as `notify`, 5,000 a second, with writers and devices at two hubs over one PostgreSQL;
//! * `million`: one million twins: loading, queries, restart, memory.
//!
//! Without a word all of them, one after the other. Hub and clients share the machine. SQLite alone is
//! measured beside `patch`, PostgreSQL alone beside `postgres`, and mosquitto, where it is installed, beside `idle` and
//! `connect`.

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]
#![expect(clippy::cast_precision_loss, reason = "no figure needs sixteen digits")]

mod alone;
mod broker;
mod devices;
mod handshake;
mod idle;
mod load;
mod million;
mod mqtt;
mod notify;
mod patch;
mod peer;
mod postgres;
mod process;
mod rest;
#[path = "../../tests/postgres/mod.rs"]
#[expect(clippy::unwrap_used, reason = "a benchmark may fail where it stands")]
mod server;
#[path = "../support/mod.rs"]
mod support;
mod wake;

use std::process::Command;

const ALL: [&str; 7] = ["patch", "idle", "connect", "notify", "postgres", "wake", "million"];

fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| ALL.contains(&word.as_str())).collect();
    match asked.first() {
        Some(what) => run(what),
        // Each in a process of its own: open files and memory of one are not the next one's.
        None => ALL.iter().for_each(|what| again(what)),
    }
}

fn again(what: &str) {
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new(program).arg(what).status().expect("this program runs again");
    assert!(status.success(), "`{what}` ends well");
}

fn run(what: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        match what {
            "patch" => patch::run(support::size(10_000)).await,
            "idle" => idle::memory(support::size(19_000)).await,
            "connect" => idle::connects(support::size(5_000)).await,
            "notify" => notify::run(support::size(19_000)).await,
            "postgres" => postgres::run(support::size(10_000)).await,
            "wake" => wake::run(support::size(5_000)).await,
            _ => million::run(support::size(1_000_000)).await,
        }
    });
}
