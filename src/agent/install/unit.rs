//! The text of the unit.

use std::{fmt::Write as _, path::Path};

use super::{InstallError, inside};
use crate::agent::options::{Given, STATE};

/// The first line of what we wrote.
pub(super) const MARK: &str = "# Written by `agent install`; changed by running that again.";

/// What the agent never needs, nor the programs that it has install packages, write `/etc` and talk to systemd. Package
/// scripts may do much: load kernel modules, write `/usr` and `/boot`, set file capabilities. That has to stay.
const SANDBOX: &str = "\
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @obsolete @raw-io @reboot
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_RAWIO CAP_BPF CAP_PERFMON CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_LEASE CAP_AUDIT_CONTROL
KeyringMode=private
UMask=0022
";

/// The unit that runs a program with these options.
pub(super) fn text(program: &[String], given: &Given) -> Result<String, InstallError> {
    let mut words: Vec<String> = program.iter().map(|word| quoted(word)).collect();
    let mut credentials = String::new();
    let state = given.state.as_deref().unwrap_or(Path::new(STATE));
    for option in options(given) {
        match option {
            Word::Plain(name, value) => words.extend([name.to_owned(), quoted(&value)]),
            Word::Flag(name) => words.push(name.to_owned()),
            Word::File(name, path) => words.extend([name.to_owned(), quoted(&whole(path)?)]),
            Word::Secret(name, credential, path) => {
                words.extend([name.to_owned(), format!("${{CREDENTIALS_DIRECTORY}}/{credential}")]);
                let _ = writeln!(credentials, "LoadCredential={credential}:{}", whole(path)?.replace('%', "%%"));
            }
        }
    }
    words.extend(["--state".to_owned(), quoted(&whole(state)?)]);
    let mut folder = String::new();
    if let Ok(below) = state.strip_prefix("/var/lib") {
        folder = format!("StateDirectory={}\nStateDirectoryMode=0700\n", below.display());
    }
    let sandbox = if is_at_home(given) { SANDBOX.replace("ProtectHome=read-only\n", "") } else { SANDBOX.to_owned() };
    Ok(format!(
        "{MARK}\n\
         [Unit]\n\
         Description=Keeps this device as its twin declares\n\
         Wants=network.target\n\
         After=network.target\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={}\n\
         {credentials}{folder}\
         Restart=always\n\
         RestartSec=5\n\
         TimeoutStopSec=60\n\
         {sandbox}\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        words.join(" ")
    ))
}

/// An option as it stands in the unit.
enum Word<'a> {
    Plain(&'static str, String),
    Flag(&'static str),
    /// A file that may change while the agent runs.
    File(&'static str, &'a Path),
    /// A file that systemd hands over, under this name.
    Secret(&'static str, &'static str, &'a Path),
}

fn options(given: &Given) -> Vec<Word<'_>> {
    let secrets = [
        ("--connection-string-file", "connection", &given.connection_file),
        ("--enrollment-key-file", "enrollment-key", &given.enrollment_key_file),
        ("--group-key-file", "group-key", &given.group_key_file),
        ("--proxy-file", "proxy", &given.proxy_file),
    ];
    let files = [("--certificate", &given.certificate), ("--key", &given.key), ("--ca", &given.ca)];
    let plain = [
        ("--module", &given.module),
        ("--id-scope", &given.id_scope),
        ("--provisioning-host", &given.provisioning_host),
        ("--registration-id", &given.registration_id),
        ("--mqtt", &given.mqtt),
        ("--transport", &given.transport),
        ("--proxy", &given.proxy),
    ];
    let secrets = secrets.into_iter().filter_map(|(name, as_, path)| Some(Word::Secret(name, as_, path.as_deref()?)));
    let files = files.into_iter().filter_map(|(name, path)| Some(Word::File(name, path.as_deref()?)));
    let plain = plain.into_iter().filter_map(|(name, value)| Some(Word::Plain(name, value.clone()?)));
    let roots = given.allowed.files.iter().map(|path| Word::File("--files-root", path));
    let services = given.allowed.services.iter().map(|name| Word::Plain("--service", name.clone()));
    let dsc = given.allowed.dsc.folders.iter().map(|path| Word::File("--dsc-path", path));
    let names = given.allowed.dsc.names.iter().map(|(name, kind)| Word::Plain("--dsc-name", format!("{name}={kind}")));
    let logs = given.allowed.logs.iter().map(|path| Word::File("--log-folder", path));
    let hooks = [("--factory-reset-command", &given.allowed.factory_reset), ("--wipe-command", &given.allowed.wipe)];
    let hooks = hooks.into_iter().filter_map(|(name, path)| Some(Word::File(name, path.as_deref()?)));
    let methods = given.methods.iter().map(|name| Word::Plain("--allow-method", name.clone()));
    let flag = given.report_only.then_some(Word::Flag("--report-only"));
    secrets
        .chain(files)
        .chain(plain)
        .chain(roots)
        .chain(services)
        .chain(dsc)
        .chain(names)
        .chain(logs)
        .chain(methods)
        .chain(hooks)
        .chain(flag)
        .collect()
}

/// Whether the agent manages files where people live.
fn is_at_home(given: &Given) -> bool {
    let homes = ["/home", "/root", "/run/user"];
    given
        .allowed
        .files
        .iter()
        .any(|folder| homes.iter().any(|home| folder.starts_with(home)) || folder == Path::new("/"))
}

/// A path from `/` on; elsewhere it would mean another file.
fn whole(path: &Path) -> Result<String, InstallError> {
    inside(path).map(|inner| format!("/{inner}"))
}

/// A word as systemd reads it back (`systemd.service`, "Command lines").
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process::Command};

    use super::{
        super::{SERVICE, tests::given},
        *,
    };

    /// systemd itself reads the unit, and judges its sandbox.
    #[test]
    fn systemd_takes_the_unit_and_finds_it_confined() {
        let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
            assert!(env::var_os("CI").is_none(), "systemd-analyze is needed");
            return eprintln!("NOT RUN: systemd-analyze is not installed");
        };
        assert!(version.status.success());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SERVICE);
        let program = vec!["/bin/true".to_owned()];
        fs::write(&path, text(&program, &given()).unwrap()).unwrap();
        let run = |arguments: &[&str]| {
            let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8_lossy(&said).into_owned())
        };
        let (verified, said) = run(&["verify", "--man=no"]);
        assert!(verified && !said.contains(SERVICE), "{said}");
        let (confined, said) = run(&["security", "--offline=true", "--no-pager", "--threshold=75"]);
        assert!(confined, "{said}");
    }
}
