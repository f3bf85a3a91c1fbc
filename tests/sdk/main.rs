//! The hub under Microsoft's own SDKs, unmodified. They fix ports 443 and 8883, so that each test has a hub on a loopback
//! address of its own, under a name that `.ci/sdks` puts into `/etc/hosts`; it installs the SDKs as well.
//!
//! Where something of that is missing a test says so loudly and passes; with `CI=true` it fails.

#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod hub;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use hub::{Hub, Sdk};

/// Runs one file of tests against a hub of its own.
fn passes(sdk: Sdk, file: &str, number: u8) {
    let Some(ready) = sdk.ready(number) else { return };
    let hub = Hub::start(&ready);
    let mut command = sdk.command(&ready, &hub);
    match sdk {
        Sdk::Python => command.args(["-m", "unittest", "-v", file]),
        Sdk::Node => command.args(["--test", "--test-timeout=120000", file]),
    };
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{file} failed:\n{}\n{}", String::from_utf8_lossy(&told), hub.log());
}

#[test]
fn python_manages_identities() {
    passes(Sdk::Python, "test_identity", 1);
}

#[test]
fn python_talks_from_both_sides_of_a_twin() {
    passes(Sdk::Python, "test_twin", 2);
}

#[test]
fn python_configures_schedules_and_commands() {
    passes(Sdk::Python, "test_fleet", 3);
}

#[test]
fn python_shows_certificates_and_enrols() {
    passes(Sdk::Python, "test_x509", 4);
}

#[test]
fn python_is_let_in_by_what_it_shows() {
    passes(Sdk::Python, "test_links", 9);
}

#[test]
fn python_manages_enrolments() {
    passes(Sdk::Python, "test_enrolment", 11);
}

#[test]
fn node_manages_a_fleet() {
    passes(Sdk::Node, "service.test.js", 5);
}

#[test]
fn node_is_a_device() {
    passes(Sdk::Node, "device.test.js", 6);
}

#[test]
fn node_is_let_in_by_what_it_shows_and_keeps_its_link() {
    passes(Sdk::Node, "links.test.js", 10);
}

#[test]
fn node_enrols() {
    passes(Sdk::Node, "provisioning.test.js", 7);
}

/// The Python SDK never subscribes again: a hub that forgot its sessions would leave it deaf.
#[test]
fn a_python_device_hears_on_after_the_hub_was_killed() {
    let Some(ready) = Sdk::Python.ready(8) else { return };
    let mut hub = Hub::start(&ready);
    let mut script = Sdk::Python
        .command(&ready, &hub)
        .arg("survivor.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(script.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut say = script.stdin.take().unwrap();
    assert_eq!(told.next().as_deref(), Some("listening"));
    hub.kill();
    hub.start_again(&ready);
    writeln!(say, "go on").unwrap();
    assert_eq!(told.next().as_deref(), Some("heard 2"), "{}", hub.log());
    assert!(script.wait().unwrap().success());
}

/// `command` with what `passes` needs of it.
fn program(path: &std::path::Path) -> Command {
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}
