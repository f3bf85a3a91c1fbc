//! The methods of this project's own agent.

use super::{Effect, Method};
use crate::component::command::Command;

pub(super) fn methods() -> Vec<Method> {
    let recheck =
        Method::bare("twinops*recheck", "Reads the platform anew, applies what differs, and reports", Effect::Changes);
    std::iter::once(recheck).chain(Command::ALL.map(method)).collect()
}

fn method(command: Command) -> Method {
    Method {
        name: command.name(),
        description: command.about(),
        effect: effect(command),
        payload: command.payload_schema(),
        reported: Some("twinops.commands"),
    }
}

const fn effect(command: Command) -> Effect {
    match command {
        Command::FactoryReset | Command::Wipe | Command::DiagnosticsDelete => Effect::Destroys,
        Command::Reboot => Effect::Interrupts,
        Command::ClearReported | Command::AppsStart | Command::AppsStop => Effect::Changes,
        Command::Report
        | Command::UpdatesScan
        | Command::DiagnosticsCollect
        | Command::DiagnosticsList
        | Command::DiagnosticsUpload => Effect::Reads,
    }
}
