//! Commands on Linux: by systemd, apt, and the programs that the device's own configuration names.

use std::path::PathBuf;

use serde_json::Value;

use super::{Refused, hook, told};
use crate::{
    agent::{
        diagnostics::Diagnostics,
        port::{Port, Run},
        resource::{apps, check_id, linux::Allowed, packages},
    },
    component::command::{
        Command, Order, Work,
        answer::{Done, Scanned, State},
    },
};

/// As many packages are named.
const NAMED: usize = 50;

/// What this device can be told to do.
#[derive(Debug)]
pub(crate) struct Acts<R> {
    port: Port<R>,
    factory_reset: Option<PathBuf>,
    wipe: Option<PathBuf>,
    diagnostics: Diagnostics<R>,
}

impl<R: Run> Acts<R> {
    pub(crate) fn new(port: Port<R>, allowed: &Allowed, diagnostics: Diagnostics<R>) -> Self {
        Self { port, diagnostics, factory_reset: allowed.factory_reset.clone(), wipe: allowed.wipe.clone() }
    }

    /// Why a command cannot be carried out here; `None` when it can.
    pub(crate) fn lack(&self, command: Command) -> Option<String> {
        let no_hook = |option: &str| {
            Some(format!("only this device's maker knows how; its agent needs `{option}` with a program that does it"))
        };
        match command {
            Command::Reboot | Command::AppsStart | Command::AppsStop => {
                (!self.port.is_live()).then(|| "no systemd looks after this device now".to_owned())
            }
            Command::FactoryReset if self.factory_reset.is_none() => no_hook("--factory-reset-command"),
            Command::Wipe if self.wipe.is_none() => no_hook("--wipe-command"),
            Command::Report | Command::ClearReported | Command::FactoryReset | Command::Wipe => None,
            Command::UpdatesScan => packages::lack(&self.port),
            Command::DiagnosticsCollect
            | Command::DiagnosticsList
            | Command::DiagnosticsUpload
            | Command::DiagnosticsDelete => self.diagnostics.lack(),
        }
    }

    pub(crate) async fn carry_out(&self, order: &Order) -> Result<Value, Refused> {
        if let Some(lack) = self.lack(order.command) {
            return Err(Refused::Unsupported(lack));
        }
        match (order.command, &order.work) {
            (Command::Reboot, _) => {
                // A minute's notice: the answer reaches the hub, and who is at the device can say `shutdown -c`.
                self.port.run("shutdown", &["-r", "+1", "restart asked for from afar"]).await?;
                Ok(told(&Done { state: State::Scheduled }))
            }
            (Command::FactoryReset, _) => self.hook(self.factory_reset.as_ref()).await,
            (Command::Wipe, _) => self.hook(self.wipe.as_ref()).await,
            (Command::AppsStart, Work::App(app)) => self.order("start", app).await,
            (Command::AppsStop, Work::App(app)) => self.order("stop", app).await,
            (Command::UpdatesScan, _) => {
                let mut packages = packages::scan(&self.port).await?;
                let available = packages.len();
                packages.truncate(NAMED);
                Ok(told(&Scanned { available, packages }))
            }
            (Command::DiagnosticsCollect, Work::Collect(asked)) => self.diagnostics.collect(asked).await,
            (Command::DiagnosticsList, _) => self.diagnostics.list(),
            (Command::DiagnosticsUpload, Work::Upload { name, url }) => self.diagnostics.upload(name, url).await,
            (Command::DiagnosticsDelete, Work::File(name)) => self.diagnostics.delete(name),
            (command, _) => Err(Refused::Unsupported(format!("this device has no `{}`", command.name()))),
        }
    }

    async fn hook(&self, file: Option<&PathBuf>) -> Result<Value, Refused> {
        if let Some(file) = file {
            hook::run(&self.port, file).await?;
        }
        Ok(told(&Done { state: State::Scheduled }))
    }

    async fn order(&self, verb: &str, app: &str) -> Result<Value, Refused> {
        check_id(app).map_err(|refusal| Refused::Payload(format!("`app`: {refusal}")))?;
        if !apps::order(&self.port, verb, app).await? {
            return Err(Refused::Unknown(format!("no app `{app}` runs as a service of its own on this device")));
        }
        Ok(told(&Done { state: State::Done }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::agent::port::{Way, recorded::Recorded};

    fn device(allowed: &Allowed) -> (tempfile::TempDir, Acts<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default()).living();
        for program in ["usr/bin/apt-get", "usr/bin/dpkg-query"] {
            port.tree.write_text(program, "").unwrap();
        }
        let diagnostics = Diagnostics::new(port.clone(), &root.path().join("archives"), &[], Way::default());
        (root, Acts::new(port, allowed, diagnostics))
    }

    fn plain(command: Command) -> Order {
        Order::new(command, Work::Plain)
    }

    #[tokio::test]
    async fn a_restart_comes_with_a_minutes_notice() {
        let (_root, acts) = device(&Allowed::default());
        assert_eq!(acts.carry_out(&plain(Command::Reboot)).await, Ok(json!({"state": "scheduled"})));
        assert_eq!(acts.port.programs().changed(), ["shutdown -r +1 restart asked for from afar"]);
    }

    #[tokio::test]
    async fn an_app_is_started_and_one_that_is_not_there_is_told() {
        let (root, acts) = device(&Allowed::default());
        let show = format!("systemctl --root={} show", root.path().display());
        acts.port.programs().answer(&show, "LoadState=not-found\n");
        acts.port.programs().answer(&format!("{show} twinops-app-line.service"), "LoadState=loaded\n");
        let start = |app: &str| Order::new(Command::AppsStart, Work::App(app.to_owned()));
        assert_eq!(acts.carry_out(&start("line")).await, Ok(json!({"state": "done"})));
        assert_eq!(acts.port.programs().changed(), ["systemctl start twinops-app-line.service"]);
        assert!(matches!(acts.carry_out(&start("other")).await, Err(Refused::Unknown(_))));
        assert!(matches!(acts.carry_out(&start("../x")).await, Err(Refused::Payload(_))));
    }

    #[tokio::test]
    async fn updates_are_looked_for_and_named() {
        let (_root, acts) = device(&Allowed::default());
        let said = "Reading…\nInst jq [1.6] (1.7 Debian:12 [amd64])\nConf jq (1.7)\nInst curl [7] (8)\n";
        acts.port.programs().answer("apt-get --simulate", said);
        let found = acts.carry_out(&plain(Command::UpdatesScan)).await;
        assert_eq!(found, Ok(json!({"available": 2, "packages": ["jq", "curl"]})));
    }

    #[tokio::test]
    async fn what_only_the_maker_knows_is_done_by_the_makers_program() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_root, bare) = device(&Allowed::default());
        assert!(bare.lack(Command::Wipe).unwrap().contains("--wipe-command"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wipe.json");
        fs::write(&file, r#"["cryptsetup", "luksErase", "--batch-mode", "/dev/x y"]"#).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (_root, acts) = device(&Allowed { wipe: Some(file.clone()), ..Allowed::default() });
        assert_eq!(acts.carry_out(&plain(Command::Wipe)).await, Ok(json!({"state": "scheduled"})));
        assert_eq!(acts.port.programs().changed(), ["cryptsetup luksErase --batch-mode /dev/x y"]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let fault = acts.carry_out(&plain(Command::Wipe)).await.unwrap_err();
        assert!(fault.to_string().contains("others than its owner"), "{fault}");
        assert_eq!(acts.port.programs().changed(), Vec::<String>::new());
    }
}
