//! Whatever comes from outside, a page stays what it is: looked at with a parser of the markdown that forges speak.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::report::{
    Limit,
    escape::plain,
    fit::{Block, fit},
};

/// HTML that we write ourselves.
const OURS: [&str; 9] =
    ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>", "<b>", "</b>", "<br>"];

/// A part of every shape with a piece of every kind, and `text` in every place where text from outside may stand.
fn parts(text: &str) -> Vec<Part> {
    let line = || Inline::of(text).strong(text).code(text).prose(" ").codes([text, text]);
    let table = Table { head: vec![("a", false), ("b", true)], rows: vec![vec![line(), Inline::of(text)]] };
    let diff = text.lines().map(|line| format!("+ {}\n", plain(line))).collect::<Vec<_>>().concat();
    let all = |part: Part| {
        let items = Piece::Items(vec![vec![line(), Inline::of(text)], vec![Inline::default().code(text)]]);
        part.say(line()).with(items).with(Piece::Table(table.clone())).with(Piece::Diff(diff))
    };
    vec![
        all(Part::first("sum").say(Inline::of("sum"))),
        Part::warning("warning", line()).list([line()]),
        Part::folded("folded", line()).say(line()).with(Piece::Table(table.clone())),
        Part::folded("bare", line()),
        Part::open("open").titled(line()),
    ]
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    fences: usize,
    tables: usize,
    cells: usize,
    items: usize,
    quotes: usize,
    details: usize,
}

/// What a forge makes of a text; anything that only the writer of a report may bring in is counted, and all else that
/// means something is refused.
fn seen(text: &str) -> Result<Seen, String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH;
    let (mut seen, mut in_code) = (Seen::default(), false);
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => (seen.fences, in_code) = (seen.fences + 1, true),
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
            Event::Start(Tag::Table(_)) => seen.tables += 1,
            Event::Start(Tag::TableCell) => seen.cells += 1,
            Event::Start(Tag::Item) => seen.items += 1,
            Event::Start(Tag::BlockQuote(_)) => seen.quotes += 1,
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Heading { .. } | Tag::Strikethrough)) => {
                return Err(format!("{tag:?}"));
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                seen.details += html.matches("<details>").count();
                own(&html)?;
            }
            Event::Text(text) if !in_code => calls_nobody(&text)?,
            event @ (Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::Rule) => return Err(format!("{event:?}")),
            _ => {}
        }
    }
    Ok(seen)
}

/// No tag but ours, and nobody is called from between them.
fn own(html: &str) -> Result<(), String> {
    let rest = OURS.iter().fold(html.to_owned(), |rest, tag| rest.replace(tag, ""));
    if rest.contains('<') { Err(format!("foreign HTML: {html}")) } else { Ok(()) }
}

fn calls_nobody(text: &str) -> Result<(), String> {
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let calls = matches!(c, '@' | '#') && letters.peek().is_some_and(|next| *next != '\u{200b}');
        if calls || text.contains("://") {
            return Err(format!("calls or links: {text}"));
        }
    }
    Ok(())
}

/// Text with much of what means something to markdown, HTML or a forge.
fn hostile() -> impl Strategy<Value = String> {
    let words = [
        "@all",
        "#12",
        "!7",
        "&lt;",
        "<b>",
        "</details>",
        "<!--",
        "-->",
        "]]>",
        "<script>",
        "</summary>",
        "`",
        "``",
        "```",
        "~~~",
        "~~",
        "|",
        "\\",
        "\\|",
        "*",
        "**",
        "_",
        "[x](y)",
        "![i](j)",
        "[^1]",
        "[ ] ",
        "https://x.y",
        "www.x.y",
        "a@b.c",
        "$x$",
        "$$",
        "- ",
        "1. ",
        "# ",
        "===",
        "---",
        "> ",
        "\n",
        "\r\n",
        "\n\n",
        "\t",
        "    ",
        " ",
        "\u{202e}",
        "\u{200b}",
        "\u{1b}[2J",
        "\0",
        "a",
        "é",
        ":smile:",
        "&#64;all",
        "&commat;x",
        "[!NOTE]",
        "",
    ];
    proptest::collection::vec(
        prop_oneof![proptest::sample::select(words.to_vec()).prop_map(str::to_owned), ".{0,4}"],
        0..12,
    )
    .prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn a_forge_sees_the_same_page_whatever_is_in_it(text in hostile()) {
        let told = |text: &str| blocks(&parts(text)).iter().map(|block| block.text.as_str()).collect::<String>();
        let expected = seen(&told("x")).map_err(TestCaseError::fail)?;
        let page = told(&text);
        prop_assert_eq!(seen(&page).map_err(|why| TestCaseError::fail(format!("{why} in\n{page}")))?, expected, "{}", page);
    }

    #[test]
    fn in_the_folded_line_nobody_is_called_either(text in hostile()) {
        let line = Inline::of(&text).strong(&text).summary();
        let outside: Vec<&str> = line.split("<code>").map(|piece| piece.split("</code>").last().unwrap_or("")).collect();
        for piece in outside {
            prop_assert!(calls_nobody(&piece.replace("&#", "&")).is_ok(), "{}", line);
        }
        prop_assert!(own(&line).is_ok() && !line.contains('\n'), "{}", line);
    }

    #[test]
    fn what_is_cut_is_cut_between_parts(text in hostile(), most in 0_usize..3000) {
        let blocks = blocks(&parts(&text));
        let fitted = fit(&blocks, Limit::Characters(most));
        let page = seen(&fitted.text.replace("\n---\n", "\n")).map_err(TestCaseError::fail)?;
        let is_told = |block: &&Block| !fitted.left_out.contains(&block.name) && !fitted.folded.contains(&block.name);
        let told: String = blocks.iter().filter(is_told).map(|block| block.text.as_str()).collect();
        prop_assert_eq!(page.fences, told.matches("diff\n").count());
        prop_assert_eq!(page.details, told.matches("\n<details>").count());
    }

    #[test]
    fn a_page_of_html_has_no_tag_of_others(text in hostile()) {
        for part in parts(&text) {
            let page = super::html::part(&part);
            let known = ["details", "summary", "section class=\"warning\"", "section", "p", "ul", "li", "br", "table", "tr",
                "th", "th class=\"n\"", "td", "td class=\"n\"", "pre", "span class=\"plus\"", "span", "code", "strong"];
            for tag in page.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap_or_default();
                prop_assert!(known.contains(&tag.trim_start_matches('/')), "<{}> in {}", tag, page);
            }
        }
    }
}
