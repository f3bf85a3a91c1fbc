//! Numbers as pictures: SVG that stands in a page by itself, without a script or a foreign font.

use super::{escape::html, words};

/// Bars of stacked numbers.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    /// What is shown.
    pub(super) title: String,
    /// How the bars lie.
    pub(super) way: Way,
    /// The bars, in order.
    pub(super) bars: Vec<Bar>,
    /// What the colours mean, and the class of each in the page's style.
    pub(super) key: Vec<&'static str>,
}

/// How bars lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One below the other, the name before each: for what has names. Each is as long as its share of what it counts.
    Rows,
    /// Side by side, as high as they count: for what has times.
    Columns,
}

/// One bar.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// What it is about.
    pub(super) name: String,
    /// Numbers, in the order of the chart's key.
    pub(super) parts: Vec<u64>,
}

/// Size of a row, and of the whole picture, in its own units.
const ROW: f64 = 24.0;
const WIDTH: f64 = 720.0;
/// Where rows begin, and how far they reach: names stand before, sums behind.
const NAMES: f64 = 200.0;
const REACH: f64 = 440.0;
/// Height of columns, and of what stands below them.
const HEIGHT: f64 = 160.0;
const FOOT: f64 = 34.0;
/// Longest name, in characters.
const LETTERS: usize = 28;

impl Chart {
    /// Whether there is anything to be seen.
    pub(super) fn is_empty(&self) -> bool {
        self.bars.iter().all(|bar| bar.sum() == 0)
    }

    /// The picture, with a key below it.
    pub(super) fn svg(&self) -> String {
        let (body, height) = match self.way {
            Way::Rows => (self.rows(), ROW * float(words::wide(self.bars.len()))),
            Way::Columns => (self.columns(), HEIGHT + FOOT),
        };
        let title = html(&self.title);
        let mut text = format!(
            "<figure><figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"{title}\">\n{body}</svg>\n<p class=\"key\">"
        );
        for (at, word) in self.key.iter().enumerate() {
            if self.bars.iter().any(|bar| bar.parts.get(at).is_some_and(|n| *n > 0)) {
                words::push(&mut text, format_args!("<span><i class=\"{word}\"></i>{word}</span> "));
            }
        }
        text + "</p></figure>\n"
    }

    fn rows(&self) -> String {
        let mut text = String::new();
        for (row, bar) in self.bars.iter().enumerate() {
            let (top, sum) = (ROW * float(words::wide(row)), bar.sum());
            let scale = REACH / float(sum.max(1));
            label(&mut text, (NAMES - 8.0, top + 16.0), "end", &bar.name);
            let mut left = NAMES;
            for (word, n) in self.parts(bar) {
                let width = float(n) * scale;
                rectangle(&mut text, (left, top + 4.0, width, ROW - 8.0), word, &format!("{}: {n} {word}", bar.name));
                left += width;
            }
            label(&mut text, (NAMES + REACH + 8.0, top + 16.0), "start", &sum.to_string());
        }
        text
    }

    fn columns(&self) -> String {
        let most = self.bars.iter().map(Bar::sum).max().unwrap_or(0).max(1);
        let step = (WIDTH - 60.0) / float(words::wide(self.bars.len().max(1)));
        let width = (step * 0.8).min(48.0);
        let mut text = String::new();
        label(&mut text, (52.0, 12.0), "end", &most.to_string());
        label(&mut text, (52.0, HEIGHT), "end", "0");
        for (column, bar) in self.bars.iter().enumerate() {
            let left = 60.0 + step * float(words::wide(column));
            let mut bottom = HEIGHT;
            for (word, n) in self.parts(bar) {
                let height = float(n) * (HEIGHT - 8.0) / float(most);
                bottom -= height;
                rectangle(&mut text, (left, bottom, width, height), word, &format!("{}: {n} {word}", bar.name));
            }
            // Between the first and the last, names would lie over each other.
            if column == 0 || column + 1 == self.bars.len() {
                let (x, anchor) = if column == 0 { (left, "start") } else { (left + width, "end") };
                label(&mut text, (x, HEIGHT + 20.0), anchor, &bar.name);
            }
        }
        text
    }

    fn parts<'a>(&'a self, bar: &'a Bar) -> impl Iterator<Item = (&'static str, u64)> + 'a {
        self.key.iter().copied().zip(bar.parts.iter().copied()).filter(|(_, n)| *n > 0)
    }
}

impl Bar {
    fn sum(&self) -> u64 {
        self.parts.iter().sum()
    }
}

fn label(text: &mut String, (x, y): (f64, f64), anchor: &str, name: &str) {
    let mut shown: String = name.chars().take(LETTERS).collect();
    if name.chars().nth(LETTERS).is_some() {
        shown.push('…');
    }
    let (full, shown) = (html(name), html(&shown));
    words::push(
        text,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{shown}<title>{full}</title></text>\n"),
    );
}

fn rectangle(text: &mut String, (x, y, width, height): (f64, f64, f64, f64), class: &str, title: &str) {
    let title = html(title);
    words::push(
        text,
        format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"><title>{title}</title></rect>\n"
        ),
    );
}

#[expect(clippy::cast_precision_loss, reason = "a picture has a thousand points")]
const fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(way: Way) -> Chart {
        let bar = |name: &str, parts: &[u64]| Bar { name: name.to_owned(), parts: parts.to_vec() };
        let bars = vec![bar("<b>\u{202e}", &[1, 0, 3]), bar(&"x".repeat(40), &[0, 0, 0])];
        Chart { title: "a & b".to_owned(), way, bars, key: vec!["compliant", "edited", "drifted"] }
    }

    #[test]
    fn each_number_is_a_shape_and_each_name_is_harmless() {
        for way in [Way::Rows, Way::Columns] {
            let svg = chart(way).svg();
            assert_eq!(svg.matches("<rect ").count(), 2, "{svg}");
            assert!(svg.contains("&lt;b&gt;\\u{202e}: 3 drifted") && !svg.contains("<b>"), "{svg}");
            assert!(svg.contains("<i class=\"drifted\"></i>") && !svg.contains("<i class=\"edited\">"), "{svg}");
        }
    }

    #[test]
    fn without_numbers_there_is_nothing_to_be_seen() {
        assert!(!chart(Way::Rows).is_empty());
        assert!(Chart { bars: Vec::new(), ..chart(Way::Rows) }.is_empty());
    }
}
