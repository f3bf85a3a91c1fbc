//! Fingerprints, by which other tools know a remark again when its line has moved.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::Remark;

/// Gives fingerprints to the remarks of one report.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    given: HashMap<[u8; 16], u32>,
}

impl Fingerprints {
    /// The next remark's: from its rule, its file and its words. Of equal ones, each has its own by its turn.
    pub(crate) fn next(&mut self, remark: &Remark<'_>) -> String {
        let mut hash = Sha256::new();
        let file = remark.location.as_ref().map(|at| &*at.file).unwrap_or_default();
        // Lines below the first name other places by their lines, which move.
        for part in [remark.rule, file, remark.message.lines().next().unwrap_or_default()] {
            hash.update(part);
            hash.update([0]);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        let turn = self.given.entry(bytes).or_default();
        let hexadecimal = format!("{:032x}", u128::from_be_bytes(bytes));
        *turn += 1;
        if *turn == 1 { hexadecimal } else { format!("{hexadecimal}-{turn}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Location;

    fn remark(file: &str, line: usize, message: &str) -> Remark<'static> {
        let location = Some(Location { file: file.into(), line, column: 1, end: (line, 2), span: 0..1 });
        Remark { rule: "r", message: message.to_owned(), location, ..Remark::default() }
    }

    #[test]
    fn a_line_that_moves_keeps_its_fingerprint_and_equal_ones_differ() {
        let mut before = Fingerprints::default();
        let first = before.next(&remark("a.yaml", 3, "wrong\nalso (b.yaml:4)"));
        assert_ne!(first, before.next(&remark("a.yaml", 9, "wrong")));
        assert_ne!(first, before.next(&remark("b.yaml", 3, "wrong")));
        assert_eq!(first, Fingerprints::default().next(&remark("a.yaml", 7, "wrong\nalso (b.yaml:8)")));
    }
}
