//! Programs: arguments as a vector, never a shell, and a time after which they and their children are killed.

use std::{future::Future, io, path::Path, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

use super::Fault;

/// How long a program may run when nothing else is said.
const LIMIT: Duration = Duration::from_secs(30);
/// What is kept of what a program prints, in bytes; the rest is read and dropped.
const MOST: usize = 1 << 20;
/// Programs are looked for here alone. Nothing else of the agent's surroundings is handed on: it may hold its key.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [&'a str],
    /// How long it may run.
    pub(crate) limit: Duration,
    /// What it can read from its standard input.
    pub(crate) input: &'a [u8],
    /// Variables besides those that every program has.
    pub(crate) variables: &'a [(String, String)],
    /// Where it runs.
    pub(crate) folder: Option<&'a Path>,
    /// Where what it prints goes, if not into the [`Output`].
    pub(crate) sink: Option<Sink<'a>>,
}

/// A file that takes what a program prints, up to a number of bytes; then the program is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sink<'a> {
    pub(crate) path: &'a Path,
    pub(crate) most: u64,
}

impl<'a> Call<'a> {
    pub(crate) const fn new(program: &'a str, arguments: &'a [&'a str]) -> Self {
        Self { program, arguments, limit: LIMIT, input: &[], variables: &[], folder: None, sink: None }
    }

    /// The same with a file for what it prints.
    pub(crate) const fn into(self, sink: Sink<'a>) -> Self {
        Self { sink: Some(sink), ..self }
    }

    /// The same with another time to run.
    pub(crate) const fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

/// What came of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// Its exit code; `None` when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// What it printed, if it ended well.
    pub(crate) fn good(self, program: &str) -> Result<String, Fault> {
        let end = match self.code {
            Some(0) => return Ok(self.stdout),
            Some(code) => format!("it ended with {code}"),
            None => "it was killed".to_owned(),
        };
        let said = [&self.stderr, &self.stdout].into_iter().map(|text| text.trim()).find(|text| !text.is_empty());
        Err(Fault::new(format!("running `{program}`: {end}: {}", said.unwrap_or("it said nothing"))))
    }
}

/// Runs programs.
pub(crate) trait Run: Send + Sync + 'static {
    /// Runs a program to its end.
    fn run(&self, call: Call<'_>) -> impl Future<Output = Result<Output, Fault>> + Send;
}

/// The programs of the system.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct System;

impl Run for System {
    async fn run(&self, call: Call<'_>) -> Result<Output, Fault> {
        let doing = format!("running `{}`", call.program);
        let mut command = Command::new(call.program);
        command.args(call.arguments).env_clear().envs(call.variables.iter().map(|(name, value)| (name, value)));
        command.env("PATH", PATH).env("LC_ALL", "C").env("HOME", "/");
        command.env("DEBIAN_FRONTEND", "noninteractive").kill_on_drop(true).process_group(0);
        if let Some(folder) = call.folder {
            command.current_dir(folder);
        }
        command.stdin(if call.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => Fault::new(format!("{doing}: it is not installed")),
            _ => Fault::because(&doing, &cause),
        })?;
        let family = Family(child.id());
        let done = timeout(call.limit, finish(child, call.input, call.sink)).await;
        let done = done.map_err(|_| Fault::new(format!("{doing}: it ran for {:?} and was killed", call.limit)))?;
        family.leave();
        done.map_err(|cause| Fault::because(&doing, &cause))
    }
}

async fn finish(mut child: Child, input: &[u8], sink: Option<Sink<'_>>) -> io::Result<Output> {
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read all of its input is not asked why.
            let _ = stdin.write_all(input).await;
        }
    };
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    if let Some(Sink { path, most }) = sink {
        if let Some(from) = stdout.take() {
            let mut file = tokio::fs::File::create(path).await?;
            tokio::io::copy(&mut from.take(most), &mut file).await?;
            file.sync_all().await?;
        }
        // The end of what it prints into is closed by now; it may be at its own end, or has nothing more to do.
        if tokio::fs::metadata(path).await?.len() >= most {
            child.start_kill()?;
        }
    }
    let ((), stdout, stderr, status) = tokio::join!(feed, fill(&mut stdout), fill(&mut stderr), child.wait());
    Ok(Output { code: status?.code(), stdout: stdout?, stderr: stderr? })
}

async fn fill(from: &mut Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MOST as u64).read_to_end(&mut bytes).await?;
        tokio::io::copy(from, &mut tokio::io::sink()).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A program and the children it started; killed when this goes away before the program ended.
struct Family(Option<u32>);

impl Family {
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        // It may be gone already.
        let _gone = group.map(|group| kill_process_group(group, Signal::KILL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(program: &str, arguments: &[&str]) -> Result<String, Fault> {
        System.run(Call::new(program, arguments)).await?.good(program)
    }

    #[tokio::test]
    async fn arguments_reach_the_program_as_they_are() {
        assert_eq!(run("printf", &["%s", "a; echo $HOME"]).await.unwrap(), "a; echo $HOME");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_quoted() {
        let fault = run("ls", &["/no/such/folder"]).await.unwrap_err().to_string();
        assert!(fault.contains("running `ls`") && fault.contains("/no/such/folder"), "{fault}");
        let fault = run("no-such-program", &[]).await.unwrap_err().to_string();
        assert_eq!(fault, "running `no-such-program`: it is not installed");
    }

    #[tokio::test]
    async fn nothing_of_the_agents_surroundings_is_handed_on() {
        let seen = run("env", &[]).await.unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        assert_eq!(names.len(), 4, "{names:?}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        run("mkfifo", &[fifo.to_str().unwrap()]).await.unwrap();
        // The grandchild holds the writing end of the pipe for as long as it lives.
        let script = format!("sleep 600 > '{}' & wait", fifo.display());
        let call = ["-c", script.as_str()];
        let running = System.run(Call::new("sh", &call).within(Duration::from_millis(300)));
        let reader = tokio::fs::read(&fifo);
        let (ended, read) = tokio::join!(running, reader);
        assert!(ended.unwrap_err().to_string().contains("was killed"));
        assert_eq!(read.unwrap(), b"");
    }

    #[tokio::test]
    async fn input_and_variables_reach_the_program_where_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let variables = [("greeting".to_owned(), "a; b".to_owned())];
        let call = Call {
            input: b"from stdin",
            variables: &variables,
            folder: Some(folder.path()),
            ..Call::new("sh", &["-c", "cat; printf ' %s ' \"$greeting\"; pwd -P"])
        };
        let said = System.run(call).await.unwrap().good("sh").unwrap();
        let place = folder.path().canonicalize().unwrap();
        assert_eq!(said.trim(), format!("from stdin a; b {}", place.display()));
        let much = vec![b'x'; 1 << 18];
        let deaf = Call { input: &much, ..Call::new("true", &[]) };
        assert_eq!(System.run(deaf).await.unwrap().code, Some(0));
    }

    #[tokio::test]
    async fn what_is_printed_beyond_the_limit_is_dropped_and_the_program_ends() {
        let printed = run("head", &["-c", "3000000", "/dev/zero"]).await.unwrap();
        assert_eq!(printed.len(), MOST);
    }
}
