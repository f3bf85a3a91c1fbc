//! The pages of `docs/rules`.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Example, RULES, Rule, Severity, Stage, TWINS};

/// How the pages came to be.
const MADE: &str = "<!-- Made from src/fleet/rule: cargo run -- docs --rules --write docs/rules -->";

/// The text of every page by the name of its file: one a rule, and `README.md` that lists them.
pub fn pages() -> BTreeMap<String, String> {
    let page = |rule: &&Rule| (format!("{}.md", rule.id), format!("{MADE}\n\n{}", rule.page()));
    let mut pages: BTreeMap<String, String> = RULES.iter().map(page).collect();
    pages.insert("README.md".to_owned(), index());
    pages
}

/// Where the repository is to be read, once it says so.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

impl Rule {
    /// The address of the rule's page; `None` as long as the crate names no repository.
    pub fn uri(&self) -> Option<String> {
        let version = env!("CARGO_PKG_VERSION");
        (!REPOSITORY.is_empty()).then(|| format!("{REPOSITORY}/blob/v{version}/docs/rules/{}.md", self.id))
    }

    /// What is known of the rule, as markdown.
    pub fn page(&self) -> String {
        let Self { id, why, remedy, .. } = self;
        let mut text = format!("# {id}\n\n{}\n\n", self.sentence());
        let written = write!(
            text,
            "{} {} {}\n\n{why}\n\n## Breaks it\n\n{}## Holds it\n\n{}## What to do\n\n{remedy}\n",
            self.weight(),
            self.when(),
            self.waiving(),
            files(self.breaks),
            files(self.holds),
        );
        debug_assert!(written.is_ok(), "a String takes everything");
        text
    }

    /// The title as a sentence.
    pub fn sentence(&self) -> String {
        let mut chars = self.title.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).chain(['.']).collect()
    }

    const fn weight(&self) -> &'static str {
        match self.severity {
            Severity::Error => "An **error**: nothing is planned until it is mended.",
            Severity::Warning => "A **warning**: it stops nothing.",
        }
    }

    const fn when(&self) -> &'static str {
        match self.stage {
            Stage::Files => "Found in the documents alone.",
            Stage::Merged => "Found when the documents are merged for each device.",
            Stage::Twins => "Found, or found for certain, when twins are given: `--snapshot FILE` or `--live`.",
        }
    }

    fn waiving(&self) -> String {
        if self.waivable {
            format!("Waived by the comment `# twinops: allow {} because …`.", self.id)
        } else {
            "Cannot be waived.".to_owned()
        }
    }
}

fn index() -> String {
    let mut text = format!(
        "{MADE}\n\n# The rules\n\n{}\n\n| rule | | |\n| --- | --- | --- |\n",
        include_str!("waivers.md").trim()
    );
    for rule in RULES {
        let word = if rule.severity == Severity::Error { "error" } else { "warning" };
        let written = writeln!(text, "| [`{0}`]({0}.md) | {word} | {1} |", rule.id, rule.title);
        debug_assert!(written.is_ok(), "a String takes everything");
    }
    text
}

/// The files of an example, each in a block of its own.
fn files(example: Example) -> String {
    let block = |(path, text): &(&str, &str)| {
        let language = match path.rsplit_once('.') {
            Some((_, "json")) => "json",
            _ if *path == TWINS => "json",
            _ => "yaml",
        };
        format!("`{path}`\n\n```{language}\n{}```\n\n", visible(text))
    };
    example.iter().map(block).collect()
}

/// Control characters as the pictures that Unicode has of them.
fn visible(text: &str) -> String {
    let picture = |c: char| match c {
        '\n' => '\n',
        c if c.is_ascii_control() => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
        c => c,
    };
    text.chars().map(picture).collect()
}
