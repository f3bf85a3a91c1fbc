//! What a command gives back instead of a result, and how people are told.

use std::{
    error::Error,
    fmt::{self, Write as _},
};

use super::Exit;
use crate::report::{Paper, plain};

/// Why a command failed, and with which code it exits.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong; its sources say why.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Failure {
    /// A failure with an exit code of its own.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into(), help: None }
    }

    /// Wrong usage that the arguments' types do not rule out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message.into())
    }

    /// With advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The error, its causes and the advice, each on its line:
    ///
    /// ```text
    /// error: the hub cannot be reached
    ///   caused by: connection refused
    ///   help: is `twinops hub` running?
    /// ```
    pub fn render(&self, paper: &Paper) -> String {
        let mut text = String::new();
        let written = self.write(paper, &mut text);
        debug_assert!(written.is_ok(), "a String takes everything");
        text
    }

    fn write(&self, paper: &Paper, text: &mut String) -> fmt::Result {
        let said = self.error.to_string();
        writeln!(text, "{} {}", paper.bad("error:"), plain(&said))?;
        let mut last = said;
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if said != last {
                writeln!(text, "  {} {}", paper.dim("caused by:"), plain(&said))?;
            }
            last = said;
            cause = error.source();
        }
        match &self.help {
            Some(help) => writeln!(text, "  {} {}", paper.good("help:"), plain(help)),
            None => Ok(()),
        }
    }
}

/// Any error fails a command with code 1, unless the command says otherwise.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(Exit::Failed, error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the snapshot cannot be read")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Middle(io::Error);

    #[test]
    fn causes_follow_their_errors_once_each() {
        let inner = io::Error::other("disk\n\u{1b}[2J on fire");
        let failure = Failure::from(Outer(Middle(inner))).help("buy another disk");
        assert_eq!(
            failure.render(&Paper::default()),
            "error: the snapshot cannot be read\n  caused by: disk\\n\\u{1b}[2J on fire\n  help: buy another disk\n"
        );
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn wrong_usage_exits_with_64() {
        let failure = Failure::usage("--where and --device exclude each other");
        assert_eq!(failure.exit.code(), 64);
        assert_eq!(failure.render(&Paper::default()), "error: --where and --device exclude each other\n");
    }
}
