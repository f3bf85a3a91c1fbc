//! What is looked at before a method is called: its payload, how many devices there are, and that a person said yes.

use std::io::{self, BufRead, IsTerminal as _};

use serde_json::Value;

use crate::{
    cli::{Exit, Failure, Printer, args::InvokeArgs},
    component::method::{self, Method},
    fleet,
    twin::DeviceId,
};

/// Most devices that a question names.
const NAMED: usize = 5;

/// Holds the payload to the method's schema, where the method is known.
pub(super) fn payload(args: &InvokeArgs, payload: &Value, printer: &Printer) -> Result<Option<Method>, Failure> {
    let Some(method) = method::find(&args.method) else {
        if let Some(near) = method::nearest(&args.method) {
            printer.warn(format_args!("`{}` is called as it is; did you mean `{near}`?", args.method));
        }
        return Ok(None);
    };
    let faults = fleet::check_once(method.schema(), payload).map_err(|error| Failure::new(Exit::Failed, error))?;
    let Some(fault) = faults.into_iter().next() else { return Ok(Some(method)) };
    let place = if fault.pointer.is_empty() { String::new() } else { format!(" at `{}`", fault.pointer) };
    let failure = Failure::usage(format!("the payload of `{}` is not valid{place}: {}", method.name, fault.message));
    let see = format!("see `twinops schema --method '{}'`", method.name);
    Err(failure.help(fault.help.map_or_else(|| see.clone(), |help| format!("{help}; {see}"))))
}

/// Refuses a selection of more devices than were allowed for.
pub(super) fn budget(args: &InvokeArgs, devices: &[DeviceId]) -> Result<(), Failure> {
    let most = args.max_devices.get();
    if args.select.condition.is_none() || devices.len() <= most {
        return Ok(());
    }
    let message = format!("`--where` selects {} devices, and {most} are the most that may be called", devices.len());
    Err(Failure::usage(message)
        .help(format!("narrow the condition, or allow for them: `--max-devices {}`", devices.len())))
}

/// Asks a person before work is interrupted or lost. Without a terminal, `--yes` is the answer.
pub(super) fn confirm(
    args: &InvokeArgs,
    method: Option<&Method>,
    devices: &[DeviceId],
    printer: &Printer,
) -> Result<(), Failure> {
    let Some(method) = method.filter(|method| method.effect.needs_confirmation()) else { return Ok(()) };
    if args.yes || devices.is_empty() {
        return Ok(());
    }
    let what = format!("`{}` {}: {}", method.name, method.effect.words(), listed(devices));
    let stdin = io::stdin();
    // A payload that comes by stdin leaves nobody to ask.
    if !stdin.is_terminal() {
        return Err(Failure::usage(what).help("say `--yes` when that is meant"));
    }
    printer.say(format_args!("{what}\nType the name of the method to go on:"));
    if said(&mut stdin.lock(), method.name)? {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, "not confirmed; nothing was called"))
    }
}

/// Whether the next line is this name.
fn said(input: &mut impl BufRead, name: &str) -> io::Result<bool> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim() == name)
}

fn listed(devices: &[DeviceId]) -> String {
    let names: Vec<&str> = devices.iter().take(NAMED).map(DeviceId::as_str).collect();
    let more = devices.len() - names.len();
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::cli::{
        Printer, Terminal, Verbosity,
        args::{Cli, Color, Command},
    };

    fn args(words: &[&str]) -> InvokeArgs {
        let words = ["twinops", "invoke"].iter().chain(words);
        let Command::Invoke(args) = Cli::try_parse_from(words).unwrap().command else { panic!("it invokes") };
        args
    }

    fn printer() -> Printer {
        Printer::new(Color::Never, Verbosity::Quiet, Terminal::default())
    }

    fn devices(count: usize) -> Vec<DeviceId> {
        (0..count).map(|n| format!("kiosk-{n}").parse().unwrap()).collect()
    }

    fn faulted(name: &str, value: &Value) -> Option<String> {
        payload(&args(&[name, "--device", "a"]), value, &printer()).err().map(|failure| failure.error.to_string())
    }

    #[test]
    fn every_schema_of_a_method_can_be_used() {
        for method in method::all() {
            assert!(fleet::check_once(method.schema(), &json!({})).is_ok(), "{}", method.name);
        }
    }

    #[test]
    fn a_payload_is_held_to_the_schema_of_its_method() {
        assert_eq!(faulted("windows.rebootAsync", &json!(null)), None);
        assert_eq!(faulted("windows.startRemoteWipeAsync", &json!({"clearTPM": false})), None);
        for wrong in [json!(null), json!({}), json!({"clearTPM": "yes"}), json!({"clearTPM": true, "now": true})] {
            assert!(faulted("windows.startRemoteWipeAsync", &wrong).is_some(), "{wrong}");
        }
        let reset = |guid: &str| {
            faulted("windows.startFactoryResetAsync", &json!({"clearTPM": true, "recoveryPartitionGUID": guid}))
        };
        assert_eq!(reset("d198ee7d-c5f1-4f5f-95be-a2ee6fa45897"), None);
        assert!(reset("x} /delete {y").unwrap().contains("recoveryPartitionGUID"));
        for name in ["..", ".", "a/b", "a\\b", ""] {
            assert!(faulted("windows.deleteDMFile", &json!({"folder": "logs", "fileName": name})).is_some(), "{name}");
        }
        assert_eq!(faulted("aMethodOfTheFleetsOwn", &json!([1])), None);
    }

    #[test]
    fn a_secret_in_a_payload_is_not_repeated() {
        let wrong = json!({"folder": "logs", "fileName": "a", "connectionString": 7, "container": "hunter2\u{0}"});
        assert!(!faulted("windows.uploadDMFile", &wrong).unwrap().contains("hunter2"));
    }

    #[test]
    fn a_selection_has_a_budget_and_named_devices_have_none() {
        let selected = args(&["x", "--where", "tags.a = 1", "--max-devices", "3"]);
        assert!(budget(&selected, &devices(3)).is_ok());
        assert!(budget(&selected, &devices(4)).unwrap_err().error.to_string().contains("selects 4 devices"));
        assert!(budget(&args(&["x", "--device", "a", "--max-devices", "1"]), &devices(4)).is_ok());
    }

    #[test]
    fn what_cannot_be_brought_back_is_confirmed_by_name() {
        assert!(said(&mut "windows.rebootAsync\n".as_bytes(), "windows.rebootAsync").unwrap());
        for other in ["y\n", "", "windows.startRemoteWipeAsync\n"] {
            assert!(!said(&mut other.as_bytes(), "windows.rebootAsync").unwrap(), "{other:?}");
        }
        let yes = args(&["windows.startRemoteWipeAsync", "--device", "a", "--yes"]);
        let wipe = method::find("windows.startRemoteWipeAsync");
        assert!(confirm(&yes, wipe.as_ref(), &devices(1), &printer()).is_ok());
        assert_eq!(listed(&devices(7)), "kiosk-0, kiosk-1, kiosk-2, kiosk-3, kiosk-4 and 2 more");
    }
}
