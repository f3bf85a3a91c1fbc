//! The reference of the command line, `docs/cli.md`, from the same definitions as `--help`.

use std::fmt::{self, Write as _};

use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;

/// The reference as markdown.
pub fn reference() -> String {
    let mut root = Cli::command().disable_help_subcommand(true).term_width(100);
    root.build();
    let mut text = String::from(
        "# The command line\n\n<!-- Made from the definitions: cargo run -- docs --write docs/cli.md -->\n\n",
    );
    let written = section(&root, 1, &mut text);
    debug_assert!(written.is_ok(), "a String takes everything");
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn section(command: &Command, level: usize, out: &mut String) -> fmt::Result {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    if level > 1 {
        writeln!(out, "{} `{name}`\n", "#".repeat(level))?;
    }
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        writeln!(out, "{about}\n")?;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    writeln!(out, "```text\n{usage}\n```\n")?;
    let below: Vec<_> = command.get_subcommands().filter(|below| !below.is_hide_set()).collect();
    commands(&below, out)?;
    arguments(command, level, out)?;
    if let Some(after) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        writeln!(out, "```text\n{after}\n```\n")?;
    }
    below.into_iter().try_for_each(|below| section(below, level + 1, out))
}

fn commands(below: &[&Command], out: &mut String) -> fmt::Result {
    if below.is_empty() {
        return Ok(());
    }
    writeln!(out, "| command | |\n| --- | --- |")?;
    for command in below {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
        let anchor = name.replace(' ', "-");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, "| [`{name}`](#{anchor}) | {} |", cell(&about))?;
    }
    writeln!(out)
}

/// The arguments of a command; what every command understands is told once, at the root.
fn arguments(command: &Command, level: usize, out: &mut String) -> fmt::Result {
    let is_shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version";
    let is_own = |arg: &&Arg| level == 1 || !is_of_root(arg);
    let shown: Vec<_> = command.get_arguments().filter(is_shown).filter(is_own).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let title = if level == 1 { "option of every command" } else { "argument" };
    writeln!(out, "| {title} | |\n| --- | --- |")?;
    shown.into_iter().try_for_each(|arg| row(arg, out))?;
    writeln!(out)
}

fn is_of_root(arg: &Arg) -> bool {
    arg.is_global_set() && ["format", "color", "verbose", "quiet", "ca"].contains(&arg.get_id().as_str())
}

fn row(arg: &Arg, out: &mut String) -> fmt::Result {
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let spelling = arg.to_string();
    let mut notes = Vec::new();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        notes.push(format!("default `{}`", defaults.join(" ")));
    }
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        notes.push(format!("one of {}", values.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        notes.push(format!("variable `{}`", variable.to_string_lossy()));
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    writeln!(out, "| `{short}{}` | {}{notes} |", spelling.replace('|', "\\|"), cell(&help))
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_checked_in_is_current() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
        let now = reference();
        if std::env::var_os("TWINOPS_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == now, "docs/cli.md is stale; mend it: cargo run -- docs --write docs/cli.md");
    }

    #[test]
    fn the_reference_does_not_depend_on_this_process() {
        let text = reference();
        assert!(text.contains("## `twinops hub`") && text.contains("### `twinops hub sas-token`"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
