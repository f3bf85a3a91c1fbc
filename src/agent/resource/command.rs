//! The narrow port to other programs: arguments as a vector, never a shell, and a time after which they are killed.

use std::{future::Future, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use super::Fault;

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs programs.
pub(crate) trait Run: Send + Sync + 'static {
    /// Runs a program to its end; what it printed.
    fn run(&self, program: &str, arguments: &[&str]) -> impl Future<Output = Result<String, Fault>> + Send;
}

/// The programs of the system.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct System;

impl Run for System {
    async fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Fault> {
        run_within(LIMIT, program, arguments).await
    }
}

async fn run_within(limit: Duration, program: &str, arguments: &[&str]) -> Result<String, Fault> {
    let doing = format!("running `{program}`");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").kill_on_drop(true);
    let done = timeout(limit, command.output()).await;
    let done = done.map_err(|_| Fault::new(format!("{doing}: it ran for {limit:?} and was killed")))?;
    let output = done.map_err(|cause| Fault::because(&doing, &cause))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Fault::new(format!("{doing}: {}: {}", output.status, said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn arguments_reach_the_program_as_they_are() {
        assert_eq!(System.run("printf", &["%s", "a; echo $HOME"]).await.unwrap(), "a; echo $HOME");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_quoted() {
        let fault = System.run("ls", &["/no/such/folder"]).await.unwrap_err().to_string();
        assert!(fault.contains("running `ls`") && fault.contains("/no/such/folder"), "{fault}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed() {
        let fault = run_within(Duration::from_millis(20), "sleep", &["600"]).await.unwrap_err();
        assert!(fault.to_string().contains("was killed"), "{fault}");
    }
}
