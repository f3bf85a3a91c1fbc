//! `twinops agent`: keeps this device as its twin declares.

use std::{path::Path, time::Duration};

use crate::{
    agent::{
        self, Allow, Allowed, Config, Platform, Profile,
        options::{LeaseAction, LeaseRequest, who},
    },
    cli::{
        Exit, Failure, Printer,
        args::{AgentArgs, AgentCommand, OverrideArgs},
    },
    iothub::DeviceConnection,
    task::Stop,
};

/// Where the device's connection string stands when no file is named.
const CONNECTION: &str = agent::options::CONNECTION_VARIABLE;

/// Runs until asked to stop.
pub(crate) async fn run(args: &AgentArgs, ca: Option<&Path>, printer: &Printer, stop: Stop) -> Result<Exit, Failure> {
    if let Some(AgentCommand::Override(asked)) = &args.command {
        return lease(args, asked, printer);
    }
    let connection = connection(args)?;
    printer.say(format_args!("agent of {} on {}", connection.device_id, connection.host));
    let platform = if args.simulate {
        Platform::Simulated(Profile { latency: Duration::ZERO, ..Profile::default() })
    } else {
        let allowed = Allowed {
            files: args.files_root.iter().cloned().collect(),
            services: args.services.clone(),
            logs: args.may.log_folders.clone(),
            methods: Allow::these(&args.may.methods)?,
            factory_reset: args.may.factory_reset_command.clone(),
            wipe: args.may.wipe_command.clone(),
        };
        Platform::Linux { root: args.root.clone(), allowed }
    };
    let mut config = Config::new(connection, args.state.clone(), platform);
    config.ca = ca.map(Path::to_owned);
    config.heal = !args.report_only;
    config.mqtt = args.mqtt.as_deref().map(str::parse).transpose()?;
    agent::run(config, stop).await?;
    Ok(Exit::Done)
}

fn lease(args: &AgentArgs, asked: &OverrideArgs, printer: &Printer) -> Result<Exit, Failure> {
    let action = match (asked.path.clone(), asked.value.clone()) {
        (None, _) => LeaseAction::List,
        (Some(path), None) if asked.end => LeaseAction::End { path },
        (Some(_), None) => return Err(Failure::usage("say which VALUE it gets, or --end".to_owned())),
        (Some(path), Some(value)) => LeaseAction::Grant {
            path,
            value,
            lasting: asked.lasting.clone().unwrap_or_default(),
            reason: asked.reason.clone().unwrap_or_default(),
            by: who(|name| std::env::var(name).ok()),
        },
    };
    let said = LeaseRequest { state: args.state.clone(), action }.carry_out()?;
    printer.result(|out| out.write_all(said.as_bytes()))?;
    Ok(Exit::Done)
}

fn connection(args: &AgentArgs) -> Result<DeviceConnection, Failure> {
    let help = "a device connection string: HostName=…;DeviceId=…;SharedAccessKey=…";
    let text = match &args.connection_string_file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::from(error).help(format!("cannot read `{}`", path.display())))?,
        None => std::env::var(CONNECTION).map_err(|_| {
            Failure::usage(format!("{CONNECTION} is not set, and no --connection-string-file is given")).help(help)
        })?,
    };
    DeviceConnection::parse(text.trim()).map_err(|error| Failure::from(error).help(help))
}
