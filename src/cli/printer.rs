//! The only file that prints: results on stdout, all else on stderr.

use std::{
    env, fmt,
    io::{self, BufWriter, IsTerminal as _, Write as _},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Exit, Failure, args::Color};
use crate::report::{self, Format, Paper, Report};

/// How much is said besides results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What matters.
    #[default]
    Normal,
    /// Every step.
    Verbose,
    /// Every step of every device.
    Debug,
}

/// What is known of where the output goes, apart from the arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other, as the world has them")]
pub struct Terminal {
    /// Whether stdout is one.
    pub stdout: bool,
    /// Whether stderr is one.
    pub stderr: bool,
    /// `NO_COLOR` is set and not empty, or `TERM` is `dumb`.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set and not `0`.
    pub force_color: bool,
    /// `CI` is set: nobody watches, whatever the terminal says.
    pub ci: bool,
}

impl Terminal {
    /// This process's.
    pub fn detect() -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
            no_color: set("NO_COLOR") || env::var_os("TERM").is_some_and(|term| term == "dumb"),
            force_color: env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0"),
            ci: env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false"),
        }
    }

    /// Whether a stream takes colours. What the user asks for by argument outweighs what the environment says.
    fn colour(self, color: Color, is_terminal: bool) -> bool {
        match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if self.no_color => false,
            Color::Auto => self.force_color || (is_terminal && !self.ci),
        }
    }
}

/// Prints.
#[derive(Debug, Clone)]
pub struct Printer {
    stdout: bool,
    stderr: bool,
    /// Whether results go to a screen that people look at.
    screen: bool,
    verbosity: Verbosity,
    bars: Option<MultiProgress>,
}

impl Printer {
    /// A printer for these wishes and this terminal.
    pub fn new(color: Color, verbosity: Verbosity, terminal: Terminal) -> Self {
        let shows_bars = terminal.stderr && !terminal.ci && verbosity > Verbosity::Quiet;
        Self {
            stdout: terminal.colour(color, terminal.stdout),
            stderr: terminal.colour(color, terminal.stderr),
            screen: terminal.stdout && !terminal.ci,
            verbosity,
            bars: shows_bars.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
        }
    }

    /// How much is said besides results.
    pub const fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether stderr takes colours: for whoever sets up the log.
    pub const fn colours_stderr(&self) -> bool {
        self.stderr
    }

    /// Prints a report on stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that has gone away is no error.
    pub fn report(&self, report: &dyn Report, format: Format) -> io::Result<()> {
        let detail = self.verbosity > Verbosity::Normal;
        let paper = Paper { colour: self.stdout, detail, ..Paper::default() };
        self.result(|out| report::write(report, format, &paper, out))
    }

    /// Prints a result on stdout.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that has gone away is no error.
    pub fn result(&self, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        self.aside(|| {
            let mut out = BufWriter::new(AutoStream::new(io::stdout().lock(), choice(self.stdout)));
            match write(&mut out).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    // What is still buffered has no reader either: dropping it must not try again.
                    drop(out.into_parts());
                    Ok(())
                }
                done => done,
            }
        })
    }

    /// Makes room for the next result on a screen; what is written to a file stays.
    pub fn clear_screen(&self) {
        if self.screen {
            // A stdout that is closed is told by the result that follows.
            self.aside(|| drop(io::stdout().write_all(b"\x1b[2J\x1b[3J\x1b[H")));
        }
    }

    /// Stdout for whoever prints one line after the other as long as the process lives.
    pub fn lines(&self) -> impl io::Write + Send + 'static {
        io::stdout()
    }

    /// Says something on stderr, unless asked to be quiet.
    pub fn say(&self, words: impl fmt::Display) {
        self.stderr_from(Verbosity::Normal, words);
    }

    /// Says something on stderr with `-v`.
    pub fn detail(&self, words: impl fmt::Display) {
        self.stderr_from(Verbosity::Verbose, words);
    }

    /// Warns on stderr, unless asked to be quiet.
    pub fn warn(&self, words: impl fmt::Display) {
        self.say(format_args!("{} {words}", self.paper().warn("warning:")));
    }

    /// Tells on stderr why a command failed, however quiet. Its exit code.
    pub fn failure(&self, failure: &Failure) -> Exit {
        self.stderr_from(Verbosity::Quiet, failure.render(&self.paper()).trim_end());
        failure.exit
    }

    /// Prints what the arguments' parser has to say: help and version are results, all else is wrong usage.
    pub fn usage(error: &clap::Error) -> Exit {
        // Nobody is left to be told when this fails.
        drop(error.print());
        if error.use_stderr() { Exit::Usage } else { Exit::Done }
    }

    /// Shows how far something is, on a terminal. `total` is `None` as long as nobody knows.
    pub fn progress(&self, words: impl Into<String>, total: Option<u64>) -> Progress {
        let bar = match (&self.bars, total) {
            (None, _) => ProgressBar::hidden(),
            (Some(bars), Some(total)) => bars
                .add(ProgressBar::new(total).with_style(style("{msg} [{bar:30}] {human_pos}/{human_len}, {eta} left"))),
            (Some(bars), None) => bars.add(ProgressBar::no_length().with_style(style("{spinner} {msg} {human_pos}"))),
        };
        bar.set_message(words.into());
        if self.bars.is_some() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Progress(bar)
    }

    fn paper(&self) -> Paper {
        Paper { colour: self.stderr, ..Paper::default() }
    }

    fn stderr_from(&self, least: Verbosity, words: impl fmt::Display) {
        if self.verbosity >= least {
            // A closed stderr leaves nobody to be told.
            self.aside(|| drop(writeln!(AutoStream::new(io::stderr().lock(), choice(self.stderr)), "{words}")));
        }
    }

    /// Prints with the progress bars out of the way.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

/// How far something is; gone when dropped.
#[derive(Debug, Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    /// So many more are done.
    pub fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// So many are done.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// It is known now how many there are.
    pub fn total(&self, total: u64) {
        self.0.set_length(total);
    }

    /// What is going on.
    pub fn words(&self, words: impl Into<String>) {
        self.0.set_message(words.into());
    }

    /// It is over: nothing of it stays on the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

const fn choice(colour: bool) -> ColorChoice {
    if colour { ColorChoice::Always } else { ColorChoice::Never }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Terminal = Terminal { stdout: true, stderr: true, no_color: false, force_color: false, ci: false };

    #[test]
    fn colours_follow_the_terminal_the_environment_and_above_all_the_argument() {
        let colour = |color, terminal: Terminal| terminal.colour(color, terminal.stdout);
        assert!(colour(Color::Auto, SCREEN));
        assert!(!colour(Color::Auto, Terminal { stdout: false, ..SCREEN }));
        assert!(!colour(Color::Auto, Terminal { ci: true, ..SCREEN }));
        assert!(!colour(Color::Auto, Terminal { no_color: true, force_color: true, ..SCREEN }));
        assert!(colour(Color::Auto, Terminal { force_color: true, ..Terminal::default() }));
        assert!(colour(Color::Always, Terminal { no_color: true, ..Terminal::default() }));
        assert!(!colour(Color::Never, Terminal { force_color: true, ..SCREEN }));
    }

    #[test]
    fn bars_are_for_people_who_watch() {
        let bars = |verbosity, terminal| Printer::new(Color::Auto, verbosity, terminal).bars.is_some();
        assert!(bars(Verbosity::Normal, SCREEN));
        assert!(!bars(Verbosity::Quiet, SCREEN));
        assert!(!bars(Verbosity::Normal, Terminal { ci: true, ..SCREEN }));
        assert!(!bars(Verbosity::Normal, Terminal { stderr: false, ..SCREEN }));
    }

    #[test]
    fn a_reader_that_has_gone_away_is_no_error_and_others_are() {
        let printer = Printer::new(Color::Never, Verbosity::Normal, Terminal::default());
        assert!(printer.result(|_| Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(printer.result(|_| Err(io::ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn templates_of_bars_are_valid() {
        for template in ["{msg} [{bar:30}] {human_pos}/{human_len}, {eta} left", "{spinner} {msg} {human_pos}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
