//! The order in which findings are read.

use std::collections::HashSet;

use rayon::prelude::*;

use super::{finding::Finding, locate, source::Source};

/// By file, document and position; what is of the repository as a whole comes first. One that says the same
/// of the same place as an earlier one is dropped: two rooms may look at one text.
pub fn in_order(mut findings: Vec<Finding>, source: &Source) -> Vec<Finding> {
    drop_equal(&mut findings);
    findings.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    // A finding alone in its file needs no position, and the file is not read again.
    let groups: Vec<&mut [Finding]> = findings
        .chunk_by_mut(|a, b| place_of(a).map(|p| p.0) == place_of(b).map(|p| p.0))
        .filter(|group| group.len() > 1)
        .collect();
    groups.into_par_iter().for_each(|group| order_file(group, source));
    findings
}

fn drop_equal(findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    let first: Vec<bool> = findings.iter().map(|f| seen.insert((&f.place, f.rule, &f.message))).collect();
    let mut first = first.into_iter();
    findings.retain(|_| first.next().unwrap_or(true));
}

/// The findings of one file.
fn order_file(findings: &mut [Finding], source: &Source) {
    let Some(file) = findings.first().and_then(place_of).and_then(|(file, _)| source.file(file)) else { return };
    let spans = locate::spans(file, findings.iter().filter_map(|finding| finding.place.as_ref()));
    let mut starts = spans.into_iter().map(|span| (span.start, span.end));
    findings.sort_by_cached_key(|finding| {
        let document = place_of(finding).map(|(_, document)| document);
        (document, starts.next(), finding.rule, finding.message.clone())
    });
}

fn place_of(finding: &Finding) -> Option<(&str, usize)> {
    finding.place.as_ref().map(|place| (&*place.file, place.document))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Place, SourceFile};

    #[test]
    fn findings_of_two_rooms_come_once_and_by_file_and_position() {
        let file = |path: &str| SourceFile { path: path.into(), text: b"a: 1\nb: 2\n---\nc: 3\n".as_slice().into() };
        let source = Source::from_files([file("x.yaml"), file("y.yaml")]);
        let finding = |rule, file: &str, document, pointer| {
            Finding::error(rule, "wrong").at(Place::value(&file.into(), document, pointer))
        };
        let first = Finding { help: Some("mend it".into()), ..finding("r", "x.yaml", 0, "/b") };
        let whole = Finding::error("whole", "wrong");
        let other = finding("s", "x.yaml", 0, "/b");
        let (third, second, last) =
            (finding("r", "x.yaml", 1, "/c"), finding("r", "x.yaml", 0, "/a"), finding("r", "y.yaml", 0, "/a"));
        let again = finding("r", "x.yaml", 0, "/b");
        let found = vec![&last, &first, &third, &whole, &second, &other, &again, &whole];
        let found = in_order(found.into_iter().cloned().collect(), &source);
        assert_eq!(found, [whole, second, first, other, third, last]);
    }
}
