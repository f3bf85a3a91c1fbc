//! From the process's arguments to its exit code.

use std::{io, path::Path, process::ExitCode};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use super::{
    Exit, Failure, Printer, Terminal, Verbosity,
    args::{Cli, Command, ExplainArgs, LogFormat},
    cmd,
    prepare::Desk,
    signals,
};
use crate::task::Stop;

/// Sets how much is logged, in the words of `tracing`: `info`, `twinops::hub=debug`.
const LOG: &str = "TWINOPS_LOG";

/// Runs the command that the process's arguments ask for.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Printer::usage(&error).into(),
    };
    let printer = Printer::new(cli.global.color, cli.global.verbosity(), Terminal::detect());
    log(&printer, &cli.command);
    // A process that has chosen its cryptography already keeps its choice.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return printer.failure(&Failure::from(error)).into(),
    };
    let exit = runtime.block_on(async {
        let stop = Stop::new();
        signals::listen(stop.clone(), printer.clone());
        match Box::pin(dispatch(&cli, &printer, &stop)).await {
            Ok(exit) => exit,
            Err(failure) => printer.failure(&failure),
        }
    });
    // Work that does not listen (a name that is being looked up, say) must not hold the process up.
    runtime.shutdown_background();
    exit.into()
}

/// A command that stays says what it does in its log.
const fn serves(command: &Command) -> bool {
    matches!(command, Command::Hub(_) | Command::Agent(_))
}

fn log(printer: &Printer, command: &Command) {
    let serves = serves(command);
    let usual = match printer.verbosity() {
        Verbosity::Normal if serves => "info",
        Verbosity::Quiet | Verbosity::Normal => "error",
        Verbosity::Verbose => "info",
        Verbosity::Debug => "debug",
    };
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new(format!("warn,twinops={usual}")));
    let subscriber = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(printer.colours_stderr());
    let subscriber = subscriber.with_env_filter(filter);
    let is_json = matches!(command, Command::Hub(args) if args.log_format == LogFormat::Json);
    // A log that somebody has set up before stays.
    if is_json {
        drop(subscriber.json().with_current_span(true).with_span_list(false).try_init());
    } else {
        drop(subscriber.try_init());
    }
}

/// A command that has nothing to bring to an end: the first Ctrl-C drops it.
async fn unless(stop: &Stop, command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    stop.unless(command).await.unwrap_or(Ok(Exit::Interrupted))
}

async fn dispatch(cli: &Cli, printer: &Printer, stop: &Stop) -> Result<Exit, Failure> {
    let (format, ca) = (cli.global.format(), cli.global.ca.as_deref());
    let desk = |root| Desk { printer, format, root, ca };
    let here = Path::new(".");
    match &cli.command {
        Command::Init(args) => cmd::init::run(args, &desk(&args.dir)),
        Command::Import(args) => unless(stop, Box::pin(cmd::import::run(args, &desk(&args.dir)))).await,
        Command::Validate(args) => cmd::validate::run(args, &desk(&args.dir), stop).await,
        Command::Plan(args) => unless(stop, Box::pin(cmd::plan::run(args, &desk(&args.repo.fleet)))).await,
        Command::Reconcile(args) => cmd::reconcile::run(args, &desk(&args.repo.fleet), stop).await,
        Command::Drift(args) => unless(stop, Box::pin(cmd::adopt::drift(args, &desk(&args.standing.repo.fleet)))).await,
        Command::Status(args) => {
            unless(stop, Box::pin(cmd::standing::status(args, &desk(&args.standing.repo.fleet)))).await
        }
        Command::Explain(ExplainArgs { rule: Some(id), .. }) => cmd::rule::run(id, printer, format),
        Command::Explain(args) => unless(stop, Box::pin(cmd::explain::run(args, &desk(&args.repo.fleet)))).await,
        Command::Query(args) => unless(stop, Box::pin(cmd::query::run(args, &desk(here)))).await,
        Command::Invoke(args) => unless(stop, Box::pin(cmd::invoke::run(args, &desk(here)))).await,
        Command::Agent(args) => cmd::agent::run(args, &desk(here), stop.clone()).await,
        Command::Hub(args) => cmd::hub::run(args, &desk(here), stop).await,
        Command::Up(args) => cmd::up::run(args, &desk(&args.dir), stop).await,
        Command::Schema(args) => cmd::schema::run(args, printer),
        Command::Docs(args) => cmd::schema::docs(args, printer),
        Command::Completions { shell } => {
            printer.result(|out| super::completions(*shell, out))?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_only_reads_ends_at_the_first_ctrl_c() {
        let stop = Stop::new();
        let waiting = unless(&stop, std::future::pending());
        let (ended, ()) = tokio::join!(waiting, async { stop.request() });
        assert_eq!(ended.unwrap(), Exit::Interrupted);
        assert_eq!(unless(&Stop::new(), async { Ok(Exit::Changes) }).await.unwrap(), Exit::Changes);
    }
}
