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
        self, Config, check,
        install::{Installation, uninstall},
        options::{HELP, Request, parse},
    },
    task::Stop,
};

/// Wrong usage, as `sysexits.h` numbers it.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    match parse(env::args_os().skip(1), variable) {
        Ok(Request::Help) => print(HELP),
        Ok(Request::Version) => print(concat!("twinops-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Request::Lease(request)) => told(request.carry_out()),
        Ok(Request::Run(config)) => work(*config),
        Ok(Request::Check { given, json }) => once(async {
            let report = check::check(*given, variable).await;
            let said = if json { report.json() } else { report.to_string() };
            if report.is_well() { print(&said) } else { print_and(&said, ExitCode::FAILURE) }
        }),
        Ok(Request::Install(given, mode)) => once(async {
            let program = match env::current_exe() {
                Ok(program) => vec![program.to_string_lossy().into_owned()],
                Err(fault) => return complain(&fault, 1),
            };
            told(Installation { program, given: *given }.carry_out(mode, variable).await)
        }),
        Ok(Request::Uninstall { given, purge }) => once(async {
            let root = given.root.unwrap_or_else(|| "/".into());
            told(uninstall(&root, given.state.as_deref(), purge).await)
        }),
        Err(fault) => complain(&fault, USAGE),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// What an errand had to say, or why it failed.
fn told(done: Result<String, impl Error>) -> ExitCode {
    match done {
        Ok(said) => print(&said),
        Err(fault) => complain(&fault, 1),
    }
}

/// Runs an errand to its end.
fn once(errand: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime() {
        Ok(runtime) => runtime.block_on(errand),
        Err(fault) => complain(&fault, 1),
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn work(config: Config) -> ExitCode {
    let level = env::var("TWINOPS_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(false).with_writer(io::stderr).init();
    let runtime = match runtime() {
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
    print_and(text, ExitCode::SUCCESS)
}

fn print_and(text: &str, code: ExitCode) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => code,
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
