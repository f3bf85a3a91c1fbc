//! Parts in markdown, as forges read it.
//!
//! In a `diff` fence GitHub colours a line by its first character.

use super::{Inline, Part, Piece, Shape, Table};
use crate::report::{
    escape::fence,
    fit::{Block, Rank},
    words,
};

/// A part as a block that stands by itself: it begins with an empty line unless it is the first.
fn block(part: &Part) -> Block {
    let body = pieces(&part.pieces);
    let (text, brief) = match (&part.title, part.shape) {
        (Some(title), Shape::Folded) if body.is_empty() => (item(title), None),
        (Some(title), Shape::Folded) => (folded(title, &body), Some(item(title))),
        (Some(title), Shape::Warning) => (quoted(title, &body), Some(quoted(title, ""))),
        (Some(title), Shape::Open) => (format!("\n{}\n{body}", title.markdown()), None),
        (None, _) => (body, None),
    };
    Block { name: part.name.clone(), text, brief, rank: part.rank }
}

/// All parts, the first without the empty line before it.
pub(in crate::report) fn blocks(parts: &[Part]) -> Vec<Block> {
    let mut blocks: Vec<Block> = parts.iter().map(block).filter(|block| !block.text.is_empty()).collect();
    if let Some(first) = blocks.first_mut() {
        debug_assert_eq!(first.rank, Rank::First, "a report begins with its sum");
        first.text = first.text.trim_start_matches('\n').to_owned();
    }
    blocks
}

fn item(title: &Inline) -> String {
    format!("\n- {}\n", title.markdown())
}

fn folded(title: &Inline, body: &str) -> String {
    format!("\n<details><summary>{}</summary>\n{body}\n</details>\n", title.summary())
}

/// A block that GitHub and GitLab show as a warning, and others as a quotation.
fn quoted(title: &Inline, body: &str) -> String {
    let text = format!("[!WARNING]\n{}\n{body}", title.markdown());
    let quote = |line: &str| if line.is_empty() { ">\n".to_owned() } else { format!("> {line}\n") };
    format!("\n{}", text.lines().map(quote).collect::<String>())
}

fn pieces(pieces: &[Piece]) -> String {
    pieces.iter().map(piece).collect()
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Paragraph(words) => format!("\n{}\n", words.markdown()),
        Piece::Items(items) => {
            let lines = |lines: &[Inline]| lines.iter().map(Inline::markdown).collect::<Vec<_>>().join("  \n  ");
            let items = items.iter().map(|item| format!("- {}\n", lines(item))).collect::<Vec<_>>().concat();
            format!("\n{items}")
        }
        Piece::Table(table) => self::table(table),
        Piece::Diff(body) => {
            let fence = fence(body);
            format!("\n{fence}diff\n{body}{fence}\n")
        }
        Piece::Chart(_) => String::new(),
    }
}

fn table(table: &Table) -> String {
    let names = table.head.iter().map(|(name, _)| format!(" {name} |")).collect::<Vec<_>>().concat();
    let rule = table.head.iter().map(|(_, number)| if *number { " ---: |" } else { " --- |" }).collect::<String>();
    let mut text = format!("\n|{}\n|{rule}\n", names.replace("  |", " |"));
    for row in &table.rows {
        let cells = row.iter().map(|cell| format!(" {} |", cell.cell())).collect::<Vec<_>>().concat();
        words::push(&mut text, format_args!("|{cells}\n"));
    }
    text
}
