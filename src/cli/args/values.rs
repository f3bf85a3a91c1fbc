//! Values of arguments.

use std::time::Duration;

use clap::{
    ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

pub use crate::agent::simulation::Share;
use crate::{
    agent::simulation::Length,
    fleet::GuardName,
    report::Format,
    twin::{PropertyPath, Section},
};

/// Whether there are colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Shells that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
}

/// What `--format` says: how results are written; of `import`, in which terms twins are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatWord {
    /// How results are written.
    Report(Format),
    /// As sections of the Windows IoT Azure DM client.
    V1Client,
}

/// The name of [`FormatWord::V1Client`].
const V1_CLIENT: &str = "v1-client";

/// Reads the formats of reports.
pub(super) fn report_format() -> impl TypedValueParser<Value = FormatWord> {
    let values = Format::ALL.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(values).map(|word| word_of(&word))
}

/// Reads the formats of an import.
pub(super) fn import_format() -> impl TypedValueParser<Value = FormatWord> {
    let twin = PossibleValue::new("text").help("every section as it is");
    let v1 =
        PossibleValue::new(V1_CLIENT).help("`windows.*` of the Windows IoT Azure DM client becomes neutral components");
    PossibleValuesParser::new([twin, v1]).map(|word| word_of(&word))
}

fn word_of(word: &str) -> FormatWord {
    let format = Format::ALL.into_iter().find(|format| format.word() == word);
    match format {
        None if word == V1_CLIENT => FormatWord::V1Client,
        format => FormatWord::Report(format.unwrap_or_default()),
    }
}

/// Reads the names of guards.
pub(super) fn guard() -> impl TypedValueParser<Value = GuardName> {
    let values = GuardName::ALL.map(|guard| PossibleValue::new(guard.word()).help(guard.meaning()));
    PossibleValuesParser::new(values).try_map(|word| {
        let guard = GuardName::ALL.into_iter().find(|guard| guard.word() == word);
        guard.ok_or("no such guard")
    })
}

/// Reads the path of a tag.
pub(super) fn tag() -> impl TypedValueParser<Value = PropertyPath> {
    fn read(text: &str) -> Result<PropertyPath, String> {
        let path = text.parse::<PropertyPath>().map_err(|error| error.to_string())?;
        let is_tag = path.section == Section::Tags && !path.keys.is_empty();
        if is_tag { Ok(path) } else { Err("a tag is written `tags.site`".to_owned()) }
    }
    read
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Text => "for people",
            Self::Json => "for programs; see `twinops schema`",
            Self::Markdown => "for a comment on a pull request",
            Self::Html => "one page with charts, for a browser",
            Self::Sarif => "SARIF 2.1.0, for tools that show results beside the files",
            Self::Junit => "JUnit XML, for CI systems that show results of tests",
            Self::Github => "annotations in the log of a GitHub workflow",
            Self::Gitlab => "GitLab's report of code quality, for merge requests",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

/// A length of time, written `90s`, `10m`, `1h 30m`.
///
/// # Errors
/// When the text is none, or goes backwards.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Length>().map(|length| length.0)
}

/// A version of the Digital Twins Definition Language.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Dtdl {
    /// Version 2: lists are left out, since its properties cannot hold any.
    #[value(name = "2")]
    V2,
    /// Version 3.
    #[value(name = "3")]
    V3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages_or_fractions() {
        assert_eq!("5%".parse(), Ok(Share(0.05)));
        assert_eq!("0.5".parse(), Ok(Share(0.5)));
        for wrong in ["", "%", "101%", "-1%", "1.5", "NaN", "five"] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_of_time_have_units_and_go_forward() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "10", "-5s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
