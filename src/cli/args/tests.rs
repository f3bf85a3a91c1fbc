//! What is understood, and what is refused.

use std::time::Duration;

use clap::{CommandFactory as _, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("twinops").chain(line.split_whitespace()))
}

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_wait_may_name_how_long() {
    let wait = |line: &str| match parse(line).unwrap().command {
        Command::Reconcile(args) => args.wait,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait("reconcile"), None);
    assert_eq!(wait("reconcile --wait"), Some(Duration::from_mins(10)));
    assert_eq!(wait("reconcile --wait=90s --concurrency 4"), Some(Duration::from_secs(90)));
}

#[test]
fn what_is_global_may_stand_anywhere() {
    let cli = parse("--format json plan -vv --color never --device a --device b").unwrap();
    assert_eq!((cli.global.format(), cli.global.color), (Format::Json, Color::Never));
    assert_eq!(cli.global.verbosity(), Verbosity::Debug);
    let Command::Plan(args) = cli.command else { panic!("not a plan") };
    assert_eq!(args.select.devices.len(), 2);
    assert_eq!((args.repo.revision.as_str(), args.worktree), ("HEAD", false));
}

#[test]
fn what_excludes_each_other_is_refused() {
    for line in [
        "plan --worktree --revision main",
        "plan -v -q",
        "hub --http 127.0.0.1:1 connection-string",
        "hub --oidc-issuer https://a --oidc-audience b connection-string",
        "agent --simulate --root /x",
        "invoke reboot --device d --payload 1 --payload-file x",
        "hub enroll r1 --group g1",
        "hub enroll --group g1 --device d1",
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{line}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for line in [
        "plan --device a/b",
        "explain d desired.x",
        "reconcile --concurrency 0",
        "up --offline 120%",
        "hub --max-connections 0",
        "hub enroll a/b",
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), ErrorKind::ValueValidation, "{line}");
    }
    for line in [
        "invoke reboot",
        "query",
        "hub --tls-cert x",
        "hub --oidc-issuer https://a",
        "hub authority add x",
        "hub enroll",
        "hub derive-key g1",
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), ErrorKind::MissingRequiredArgument, "{line}");
    }
}

#[test]
fn a_hub_is_served_or_asked() {
    let Command::Hub(args) = parse("hub --name a --name b").unwrap().command else { panic!("not a hub") };
    assert_eq!((args.names.len(), args.command.is_none()), (2, true));
    let line = "hub device-connection-string kiosk-0007 --state /tmp/x";
    let Command::Hub(args) = parse(line).unwrap().command else { panic!("not a hub") };
    assert_eq!(args.state, PathBuf::from("/tmp/x"));
    assert!(matches!(args.command, Some(HubCommand::DeviceConnectionString(_))));
}

#[test]
fn every_command_has_examples_and_every_argument_help() {
    fn walk(command: &clap::Command, way: &str) {
        let way = format!("{way} {}", command.get_name());
        let is_leaf = command.get_subcommands().next().is_none() && !command.is_hide_set();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(!is_leaf || help.contains("Examples:"), "{way} has no examples");
        assert!(command.get_about().is_some(), "{way} does not say what it does");
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{way}: {} has no help", arg.get_id());
        }
        command.get_subcommands().for_each(|below| walk(below, &way));
    }
    walk(&Cli::command(), "");
}

#[test]
fn no_argument_takes_a_secret() {
    fn walk(command: &clap::Command) {
        for arg in command.get_arguments() {
            let name = arg.get_id().as_str();
            let is_secret =
                ["connection_string", "key", "password", "secret", "token"].iter().any(|w| name.contains(w));
            let is_file = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "FILE"));
            assert!(!is_secret || is_file, "{name} takes a secret on the command line");
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}

#[test]
fn help_names_the_exit_codes_and_the_environment() {
    let help = Cli::command().render_long_help().to_string();
    for exit in Exit::ALL {
        assert!(help.contains(&format!("{:>3}  {}", exit.code(), exit.meaning())), "{exit:?}");
    }
    assert!(help.contains("IOTHUB_CONNECTION_STRING") && help.contains("NO_COLOR"));
}

#[test]
fn an_import_reads_twins_in_formats_of_its_own() {
    let convert = |line: &str| match parse(line).unwrap().command {
        Command::Import(args) => args.is_v1_client(),
        other => panic!("{other:?}"),
    };
    assert!(!convert("import fleet --snapshot twins.json"));
    assert!(!convert("--format json import fleet"));
    assert!(convert("import fleet --format v1-client"));
    assert_eq!(parse("plan --format v1-client").unwrap_err().kind(), ErrorKind::InvalidValue);
}
