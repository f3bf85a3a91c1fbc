//! The service on a root of its own, and its unit before systemd itself.

use std::{env, fs, os::unix::fs::PermissionsExt as _, process::Command};

use super::*;
use crate::agent::{Allowed, port::recorded::Recorded};

const CONNECTION_TEXT: &str = "HostName=hub;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn given() -> Given {
    Given {
        connection_file: Some("/etc/twinops/device".into()),
        proxy_file: Some("/etc/twinops/proxy 100%".into()),
        mqtt: Some("hub:8883".to_owned()),
        allowed: Allowed { files: vec!["/srv/a b".into()], services: vec!["*".to_owned()], ..Allowed::default() },
        report_only: true,
        ..Given::default()
    }
}

fn text(given: &Given) -> String {
    unit::text(&["/usr/bin/twinops".to_owned(), "agent".to_owned()], given).unwrap()
}

fn exec_start(unit: &str) -> &str {
    unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap()
}

#[test]
fn the_unit_has_every_option_and_no_secret_but_by_credentials() {
    let unit = text(&given());
    assert_eq!(
        exec_start(&unit),
        "/usr/bin/twinops agent --connection-string-file ${CREDENTIALS_DIRECTORY}/connection \
         --proxy-file ${CREDENTIALS_DIRECTORY}/proxy --mqtt hub:8883 --files-root \"/srv/a b\" --service \"*\" \
         --report-only --state /var/lib/twinops"
    );
    assert!(unit.contains("LoadCredential=connection:/etc/twinops/device\n"), "{unit}");
    assert!(unit.contains("LoadCredential=proxy:/etc/twinops/proxy 100%%\n"), "{unit}");
    assert!(unit.contains("StateDirectory=twinops\n") && !unit.contains("Environment"), "{unit}");
}

#[test]
fn words_are_quoted_as_systemd_reads_them_and_paths_are_whole() {
    let odd = Given { module: Some("a \"b\" $c %d\\".to_owned()), ..given() };
    assert!(exec_start(&text(&odd)).contains(r#"--module "a \"b\" $$c %%d\\""#));
    let relative = Given { ca: Some("ca.pem".into()), ..given() };
    let program = ["/usr/bin/twinops-agent".to_owned()];
    assert!(
        matches!(unit::text(&program, &relative), Err(InstallError::Relative(path)) if path == Path::new("ca.pem"))
    );
    let home = Given {
        allowed: Allowed { files: vec!["/home/kiosk".into()], services: Vec::new(), ..Allowed::default() },
        ..given()
    };
    assert!(!text(&home).contains("ProtectHome") && text(&given()).contains("ProtectHome=read-only"));
}

#[tokio::test]
async fn a_running_system_gets_the_service_started_and_loses_all_of_it() {
    let root = tempfile::tempdir().unwrap();
    let port = Port::new(root.path(), Recorded::default()).living();
    let systemctl = |words: &str| format!("systemctl --root={} {words}", root.path().display());
    install(&port, &text(&given()), Some(CONNECTION_TEXT)).await.unwrap();
    let kept = root.path().join(CONNECTION);
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&kept).unwrap(), CONNECTION_TEXT);
    let expected = ["daemon-reload", "enable twinops-agent.service", "restart twinops-agent.service"];
    assert_eq!(port.programs().ran(), expected.map(systemctl));

    let state = root.path().join("var/lib/twinops");
    fs::create_dir_all(&state).unwrap();
    remove(&port, None).await.unwrap();
    assert_eq!(port.programs().ran(), ["disable --now twinops-agent.service", "daemon-reload"].map(systemctl));
    assert!(!root.path().join(UNIT).exists() && !kept.exists() && state.exists());
    remove(&port, Some(Path::new("/var/lib/twinops"))).await.unwrap();
    assert!(!state.exists() && port.programs().ran().is_empty());
}

#[tokio::test]
async fn an_image_gets_it_enabled_and_nothing_started() {
    let root = tempfile::tempdir().unwrap();
    let installation = |mode| {
        let given = Given { root: Some(root.path().to_owned()), ..given() };
        Installation { program: vec!["/usr/bin/twinops-agent".to_owned()], given }.carry_out(mode, |_| None)
    };
    let shown = installation(Mode::Print).await.unwrap();
    assert!(shown.starts_with(MARK) && !root.path().join(UNIT).exists());
    let port = Port::new(root.path(), Recorded::default());
    install(&port, &shown, None).await.unwrap();
    assert_eq!(fs::read_to_string(root.path().join(UNIT)).unwrap(), shown);
    let ran = port.programs().ran();
    assert!(matches!(ran.as_slice(), [line] if line.ends_with("enable twinops-agent.service")), "{ran:?}");
}

#[tokio::test]
async fn what_others_wrote_is_not_touched() {
    let root = tempfile::tempdir().unwrap();
    let port = Port::new(root.path(), Recorded::default());
    port.tree.write_text(UNIT, "[Service]\n").unwrap();
    assert!(matches!(install(&port, MARK, None).await, Err(InstallError::Foreign)));
    assert!(matches!(remove(&port, None).await, Err(InstallError::Foreign)));
    assert_eq!(fs::read_to_string(root.path().join(UNIT)).unwrap(), "[Service]\n");
}

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
    fs::write(&path, unit::text(&program, &given()).unwrap()).unwrap();
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
