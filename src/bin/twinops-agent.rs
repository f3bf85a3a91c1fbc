//! The agent alone, for devices on which every megabyte counts.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use tracing::{Level, info};
use twinops::{
    agent::{
        self, Config,
        options::{HELP, Request, parse},
    },
    task::Stop,
};

/// Wrong usage, as `sysexits.h` numbers it.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match parse(env::args_os().skip(1), |name| env::var(name).ok()) {
        Ok(Request::Help) => print(HELP),
        Ok(Request::Version) => print(concat!("twinops-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Request::Lease(request)) => match request.carry_out() {
            Ok(said) => print(&said),
            Err(fault) => complain(&fault, 1),
        },
        Ok(Request::Run(config)) => work(*config),
        Err(fault) => complain(&fault, USAGE),
    }
}

fn work(config: Config) -> ExitCode {
    let level = env::var("TWINOPS_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false).with_writer(io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return complain(&fault, 1),
    };
    let done = runtime.block_on(async {
        let stop = Stop::new();
        let asked = stop.clone();
        tokio::spawn(async move {
            signalled().await;
            info!("stopping");
            asked.request();
        });
        agent::run(config, stop).await
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => complain(&fault, 1),
    }
}

/// Ctrl-C, or the word of a service manager.
#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The error and what caused it, one a line.
fn complain(fault: &dyn Error, code: u8) -> ExitCode {
    use std::fmt::Write as _;
    let mut text = format!("twinops-agent: {fault}\n");
    let mut cause = fault.source();
    while let Some(below) = cause {
        let _ = writeln!(text, "  because: {below}");
        cause = below.source();
    }
    // Nothing is left to tell it to when this fails.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}
