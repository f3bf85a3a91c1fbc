//! Completion scripts for shells; the only file that knows their generator.

use std::io;

use clap::CommandFactory as _;

use super::args::{Cli, Shell};

/// Writes the script that makes `shell` complete this command.
///
/// # Errors
/// Those of the writer alone.
pub fn completions(shell: Shell, out: &mut dyn io::Write) -> io::Result<()> {
    let generator = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut Cli::command(), "twinops", &mut script);
    out.write_all(&script)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            completions(*shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["reconcile", "device-connection-string", "detailed-exitcode"] {
                assert!(script.contains(word), "{shell:?} does not know {word}");
            }
        }
    }
}
