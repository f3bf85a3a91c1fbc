//! Entries of the journal, as `journalctl` gives them.

use std::{path::Path, time::Duration};

use crate::{
    agent::port::{Call, Fault, Port, Run, Sink},
    component::diagnostics::{LinuxSources, Severity},
};

/// How long it may take.
const LIMIT: Duration = Duration::from_mins(5);

/// From where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// The last so many minutes.
    Minutes(u32),
    /// After the entry of this cursor.
    Cursor(String),
    /// From this time on, `YYYY-MM-DD HH:MM:SS UTC`.
    Time(String),
}

/// Writes entries into a file, a JSON object a line; whether there was room for all. The newest come first when those
/// are what should stay.
pub(super) async fn write<R: Run>(
    port: &Port<R>,
    (sources, since): &(&LinuxSources, Since),
    newest: bool,
    sink: Sink<'_>,
) -> Result<bool, Fault> {
    let mut asked = vec!["--output=json".to_owned(), "--no-pager".to_owned(), "--quiet".to_owned()];
    if !port.tree.is_system() {
        asked.push(format!("--root={}", port.tree.root().display()));
    }
    asked.push(match since {
        Since::Minutes(minutes) => format!("--since=-{minutes}min"),
        Since::Cursor(cursor) => format!("--after-cursor={cursor}"),
        Since::Time(time) => format!("--since={time}"),
    });
    if newest {
        asked.push("--reverse".to_owned());
    }
    asked.extend(sources.priority.map(|severity| format!("--priority={}", priority(severity))));
    asked.extend(matches(sources));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let output = port.call(Call::new("journalctl", &asked).within(LIMIT).into(sink)).await?;
    if size(sink.path) >= sink.most {
        return Ok(false);
    }
    output.good("journalctl").map(|_| true)
}

/// The place in the journal where it ends now; `None` when it is empty.
pub(crate) async fn cursor<R: Run>(port: &Port<R>) -> Result<Option<String>, Fault> {
    let said = port.run("journalctl", &["--lines=0", "--show-cursor", "--no-pager", "--quiet"]).await?;
    Ok(said.lines().find_map(|line| line.strip_prefix("-- cursor: ")).map(str::to_owned))
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

/// The number of a severity in syslog (Windows reference 7.3.10).
const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Information => 6,
        Severity::Verbose => 7,
    }
}

/// What entries have to be of, one of these; all when nothing is named.
fn matches(sources: &LinuxSources) -> Vec<String> {
    let unit = |name: &String| if name.contains('.') { name.clone() } else { format!("{name}.service") };
    let units = sources.units.iter().map(|name| format!("_SYSTEMD_UNIT={}", unit(name)));
    let names = sources.identifiers.iter().map(|name| format!("SYSLOG_IDENTIFIER={name}"));
    let kernel = sources.kernel.unwrap_or_default().then(|| "_TRANSPORT=kernel".to_owned());
    let mut all = Vec::new();
    for word in units.chain(names).chain(kernel) {
        if !all.is_empty() {
            all.push("+".to_owned());
        }
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::port::{System, recorded::Recorded};

    #[tokio::test]
    async fn what_is_asked_for_reaches_journalctl_and_the_file_takes_no_more_than_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::new(Path::new("/"), Recorded::default());
        port.programs().answer("journalctl", "{\"MESSAGE\":\"one\"}\n{\"MESSAGE\":\"two\"}\n");
        let sources = LinuxSources {
            units: vec!["acme".into(), "a.timer".into()],
            identifiers: vec!["sshd".into()],
            kernel: Some(true),
            priority: Some(Severity::Warning),
        };
        let path = folder.path().join("journal.json");
        let asked = (&sources, Since::Minutes(60));
        assert_eq!(write(&port, &asked, true, Sink { path: &path, most: 1000 }).await, Ok(true));
        let line = "journalctl --output=json --no-pager --quiet --since=-60min --reverse --priority=4 \
                    _SYSTEMD_UNIT=acme.service + _SYSTEMD_UNIT=a.timer + SYSLOG_IDENTIFIER=sshd + _TRANSPORT=kernel";
        assert_eq!(port.programs().ran(), [line]);
        assert_eq!(write(&port, &asked, true, Sink { path: &path, most: 7 }).await, Ok(false));
        assert_eq!(std::fs::read(&path).unwrap().len(), 7);
    }

    /// The journalctl of the system itself takes what it is asked.
    #[tokio::test]
    async fn journalctl_understands_what_it_is_asked() {
        let port = Port::new(Path::new("/"), System);
        if !port.has("journalctl") {
            assert!(std::env::var_os("CI").is_none(), "journalctl is needed");
            return eprintln!("NOT RUN: journalctl is not installed");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.json");
        let sources = LinuxSources { kernel: Some(true), priority: Some(Severity::Error), ..LinuxSources::default() };
        for since in [Since::Minutes(1), Since::Time("2027-01-01 00:00:00 UTC".into())] {
            let written = write(&port, &(&sources, since), false, Sink { path: &path, most: 1 << 20 }).await;
            assert_eq!(written, Ok(true));
        }
    }
}
