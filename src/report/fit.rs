//! Markdown within a limit: parts are told in a line or left out, each as a whole, so that no fence, table or tag is
//! cut; what is missing is said at the end.

use super::{escape::code, words};

/// What is kept for saying what is missing, in the units of the limit.
const CLOSING: usize = 1500;
/// Parts named there, of each kind.
const NAMES: usize = 8;
/// Longest name, in characters.
const NAME: usize = 80;

/// One part of a report in markdown: whole in itself, so that it can stand beside any other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// By what name it is missed; as it is, not escaped.
    pub name: String,
    /// All of it, with the line feeds that part it from the block before.
    pub text: String,
    /// The same in a line; `None` where there is no shorter way to say it.
    pub brief: Option<String>,
    /// Whose turn it is when room is scarce.
    pub rank: Rank,
}

/// Whose turn it is when room is scarce; within a rank the first comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// What nobody should miss: sums, warnings.
    First,
    /// The rest.
    #[default]
    Usual,
    /// What is also told elsewhere.
    Last,
}

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// In units of UTF-16, of which the characters outside the common plane have two: as the strictest forge counts.
    Characters(usize),
    /// In bytes of UTF-8.
    Bytes(usize),
}

impl Limit {
    /// The body of a comment on GitHub.
    pub const GITHUB_COMMENT: Self = Self::Characters(65_536);
    /// The summary of a check run on GitHub.
    pub const GITHUB_CHECK: Self = Self::Characters(65_535);
    /// The summary of a step of a GitHub workflow.
    pub const GITHUB_SUMMARY: Self = Self::Bytes(1 << 20);
    /// A note on GitLab.
    pub const GITLAB: Self = Self::Characters(1_000_000);
    /// A comment on Azure DevOps.
    pub const AZURE_DEVOPS: Self = Self::Characters(150_000);

    /// How many units it allows.
    pub const fn most(self) -> usize {
        match self {
            Self::Characters(most) | Self::Bytes(most) => most,
        }
    }

    /// How long a text is in its units.
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Characters(_) => text.chars().map(char::len_utf16).sum(),
            Self::Bytes(_) => text.len(),
        }
    }
}

/// A report that fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fitted {
    /// The text; it says itself what is missing from it.
    pub text: String,
    /// The names of the parts that are told in a line only.
    pub folded: Vec<String>,
    /// The names of the parts that are not told.
    pub left_out: Vec<String>,
}

impl Fitted {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.folded.is_empty() && self.left_out.is_empty()
    }
}

/// How a block is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Gone,
    Brief,
    Whole,
}

/// Puts blocks together so that they are no longer than `limit`. A line of each comes before all of one, and lines take
/// no more than half of the room.
pub fn fit(blocks: &[Block], limit: Limit) -> Fitted {
    let forms = forms(blocks, limit);
    let mut fitted = Fitted::default();
    for (block, form) in blocks.iter().zip(forms) {
        match form {
            Form::Whole => fitted.text.push_str(&block.text),
            Form::Brief => {
                fitted.text.push_str(block.brief.as_deref().unwrap_or_default());
                fitted.folded.push(block.name.clone());
            }
            Form::Gone => fitted.left_out.push(block.name.clone()),
        }
    }
    if !fitted.is_whole() {
        let room = limit.most().saturating_sub(limit.measure(&fitted.text));
        let closings = (0..=NAMES).rev().map(|names| closing(&fitted, names));
        let closing = closings.into_iter().find(|closing| limit.measure(closing) <= room);
        fitted.text.push_str(&closing.unwrap_or_default());
    }
    fitted
}

fn forms(blocks: &[Block], limit: Limit) -> Vec<Form> {
    let whole: Vec<usize> = blocks.iter().map(|block| limit.measure(&block.text)).collect();
    if whole.iter().sum::<usize>() <= limit.most() {
        return vec![Form::Whole; blocks.len()];
    }
    let brief: Vec<Option<usize>> =
        blocks.iter().map(|block| block.brief.as_deref().map(|text| limit.measure(text))).collect();
    let mut room = limit.most().saturating_sub(CLOSING.min(limit.most() / 4));
    let mut forms = vec![Form::Gone; blocks.len()];
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|at| blocks[*at].rank);
    for at in order.iter().copied().filter(|at| blocks[*at].rank == Rank::First) {
        take(&mut room, whole[at], &mut forms[at], Form::Whole);
    }
    let mut lines = room / 2;
    for &at in &order {
        let Some(size) = brief[at].filter(|_| forms[at] == Form::Gone) else { continue };
        if take(&mut lines, size, &mut forms[at], Form::Brief) {
            room -= size;
        }
    }
    for &at in &order {
        let more = match forms[at] {
            Form::Whole => continue,
            Form::Brief => whole[at].saturating_sub(brief[at].unwrap_or_default()),
            Form::Gone => whole[at],
        };
        take(&mut room, more, &mut forms[at], Form::Whole);
    }
    forms
}

fn take(room: &mut usize, size: usize, form: &mut Form, into: Form) -> bool {
    let left = room.checked_sub(size);
    if let Some(left) = left {
        *room = left;
        *form = into;
    }
    left.is_some()
}

/// What is missing, with the first few names of each kind.
fn closing(fitted: &Fitted, names: usize) -> String {
    let told = |missing: &[String], words: &str| {
        let count = words::count(words::wide(missing.len()), "part");
        (!missing.is_empty()).then(|| format!("{count} {words}{}", named(missing, names)))
    };
    let said = [told(&fitted.folded, "told in a line only"), told(&fitted.left_out, "not told at all")];
    let said: Vec<String> = said.into_iter().flatten().collect();
    format!("\n---\n\nFor want of room: {}. `--format json` has everything.\n", said.join("; "))
}

fn named(missing: &[String], most: usize) -> String {
    let mut names: Vec<String> = missing.iter().take(most).map(|name| code(&cut(name))).collect();
    if names.is_empty() {
        return String::new();
    }
    let more = missing.len() - names.len();
    names.extend((more > 0).then(|| format!("+{more}")));
    format!(" ({})", names.join(", "))
}

fn cut(name: &str) -> String {
    let mut shown: String = name.chars().take(NAME).collect();
    if name.chars().nth(NAME).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(name: &str, text: usize, brief: Option<usize>, rank: Rank) -> Block {
        let fill = |letter: &str, length: usize| format!("\n{}\n", letter.repeat(length));
        Block { name: name.into(), text: fill("x", text), brief: brief.map(|length| fill("y", length)), rank }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let blocks = [block("a", 10, Some(2), Rank::First), block("b", 10, None, Rank::Last)];
        let fitted = fit(&blocks, Limit::Characters(24));
        assert_eq!((fitted.text.len(), fitted.is_whole()), (24, true));
    }

    #[test]
    fn a_line_of_each_comes_before_all_of_one() {
        let mut blocks = vec![block("sum", 100, None, Rank::First)];
        blocks.extend((0..20).map(|n| block(&format!("part {n}"), 1000, Some(50), Rank::Usual)));
        let fitted = fit(&blocks, Limit::Characters(8000));
        assert!(fitted.left_out.is_empty() && fitted.text.len() <= 8000, "{}", fitted.text);
        assert_eq!(fitted.folded, (5..20).map(|n| format!("part {n}")).collect::<Vec<_>>());
        assert!(fitted.text.contains("15 parts told in a line only (`part 5`, "), "{}", fitted.text);
    }

    #[test]
    fn what_nobody_should_miss_comes_first_wherever_it_stands() {
        let blocks = [block("a", 900, None, Rank::Usual), block("warning", 500, None, Rank::First)];
        let fitted = fit(&blocks, Limit::Characters(1000));
        assert_eq!(fitted.left_out, ["a"]);
        assert!(fitted.text.contains("1 part not told at all (`a`)"), "{}", fitted.text);
    }

    #[test]
    fn limits_count_as_forges_do() {
        assert_eq!([Limit::Characters(9), Limit::Bytes(9)].map(|limit| limit.measure("é😀")), [3, 6]);
    }

    proptest! {
        #[test]
        fn a_text_is_never_too_long_and_every_part_is_accounted_for(
            sizes in proptest::collection::vec((0_usize..400, proptest::option::of(0_usize..60), 0_usize..3), 0..40),
            most in 0_usize..6000,
        ) {
            let ranks = [Rank::First, Rank::Usual, Rank::Last];
            let make = |(n, (text, brief, rank)): (usize, &(usize, Option<usize>, usize))| {
                block(&format!("{n}`@"), *text, *brief, ranks[*rank])
            };
            let blocks: Vec<Block> = sizes.iter().enumerate().map(make).collect();
            for limit in [Limit::Characters(most), Limit::Bytes(most)] {
                let fitted = fit(&blocks, limit);
                prop_assert!(limit.measure(&fitted.text) <= most);
                let whole = blocks.iter().filter(|b| !fitted.folded.contains(&b.name) && !fitted.left_out.contains(&b.name));
                let told: usize = whole.map(|b| limit.measure(&b.text)).sum();
                prop_assert!(limit.measure(&fitted.text) >= told);
                prop_assert_eq!(fitted.is_whole(), blocks.iter().map(|b| b.text.len()).sum::<usize>() <= most);
            }
        }
    }
}
