//! `twinops agent`: keeps this device as its twin declares.

use std::{path::Path, time::Duration};

use crate::{
    agent::{
        self, Allowed, Identity, Platform, Profile,
        install::{Installation, Mode},
        options::{DscRequest, Given, LeaseAction, LeaseRequest, OptionsError, who},
    },
    cli::{
        Exit, Failure, Printer,
        args::{
            AgentArgs, AgentCommand, DeviceArgs, DscArgs, InstallArgs, LinkArgs, OverrideArgs, ProvisioningArgs,
            UninstallArgs,
        },
        prepare::Desk,
    },
    report::Format,
    task::Stop,
};

/// Runs until asked to stop.
pub(crate) async fn run(args: &AgentArgs, desk: &Desk<'_>, stop: Stop) -> Result<Exit, Failure> {
    let Desk { printer, ca, .. } = *desk;
    match &args.command {
        Some(AgentCommand::Override(asked)) => return lease(args, asked, printer),
        Some(AgentCommand::Dsc(asked)) => return dsc(asked, printer).await,
        Some(AgentCommand::Check(asked)) => return check(given(&asked.device, &args.state, ca), desk).await,
        Some(AgentCommand::Install(asked)) => return install(asked, &args.state, ca, printer).await,
        Some(AgentCommand::Uninstall(UninstallArgs { root, purge })) => {
            return tell(&agent::install::uninstall(root, Some(&args.state), *purge).await?, Exit::Done, printer);
        }
        None => {}
    }
    let mut config = given(&args.device, &args.state, ca).into_config(variable).map_err(unsaid)?;
    match &config.identity {
        Identity::Known(connection) => {
            printer.say(format_args!("agent of {} on {}", connection.device_id, connection.host));
        }
        Identity::Provisioned(asking) => {
            printer.say(format_args!("agent of {}, provisioned by {}", asking.id, asking.service));
        }
    }
    if args.simulate {
        config.platform = Platform::Simulated(Profile { latency: Duration::ZERO, ..Profile::default() });
    }
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
            by: who(variable),
        },
    };
    let said = LeaseRequest { state: args.state.clone(), action }.carry_out()?;
    tell(&said, Exit::Done, printer)
}

async fn dsc(asked: &DscArgs, printer: &Printer) -> Result<Exit, Failure> {
    let words =
        |component: &String| (component.clone(), asked.operation.clone().unwrap_or_default(), asked.instance.clone());
    let request = DscRequest { folders: asked.path.folders(), ask: asked.component.as_ref().map(words) };
    tell(&request.carry_out().await?, Exit::Done, printer)
}

fn tell(said: &str, exit: Exit, printer: &Printer) -> Result<Exit, Failure> {
    printer.result(|out| out.write_all(said.as_bytes()))?;
    Ok(exit)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn check(given: Given, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let report = agent::check::check(given, variable).await;
    let said = if desk.format == Format::Json { report.json() } else { report.to_string() };
    tell(&said, if report.is_well() { Exit::Done } else { Exit::Failed }, desk.printer)
}

async fn install(asked: &InstallArgs, state: &Path, ca: Option<&Path>, printer: &Printer) -> Result<Exit, Failure> {
    let program = std::env::current_exe()?.to_string_lossy().into_owned();
    let installation =
        Installation { program: vec![program, "agent".to_owned()], given: given(&asked.device, state, ca) };
    let said = installation.carry_out(if asked.print { Mode::Print } else { Mode::Install }, variable).await?;
    tell(&said, Exit::Done, printer)
}

/// Who the device is has to be said; anything else is said wrongly.
fn unsaid(fault: OptionsError) -> Failure {
    let failure = match fault {
        OptionsError::NoConnection => Failure::usage(fault.to_string()),
        other => other.into(),
    };
    failure.help("a device connection string: HostName=…;DeviceId=…;SharedAccessKey=…")
}

fn given(args: &DeviceArgs, state: &Path, ca: Option<&Path>) -> Given {
    let LinkArgs { connection_string_file, certificate, key, module, mqtt, transport, proxy, proxy_file } =
        args.link.clone();
    let ProvisioningArgs { id_scope, provisioning_host, registration_id, enrollment_key_file, group_key_file } =
        args.provisioning.clone();
    Given {
        connection_file: connection_string_file,
        certificate,
        key,
        module,
        id_scope,
        provisioning_host,
        registration_id,
        enrollment_key_file,
        group_key_file,
        mqtt,
        transport,
        proxy,
        proxy_file,
        ca: ca.map(Path::to_owned),
        state: Some(state.to_owned()),
        allowed: Allowed {
            files: args.files_root.iter().cloned().collect(),
            services: args.services.clone(),
            dsc: args.dsc.folders(),
            logs: args.may.log_folders.clone(),
            factory_reset: args.may.factory_reset_command.clone(),
            wipe: args.may.wipe_command.clone(),
            ..Allowed::default()
        },
        methods: args.may.methods.clone(),
        root: Some(args.root.clone()),
        report_only: args.report_only,
    }
}
