//! Which bytes are a text at all.

use std::sync::Arc;

use crate::fleet::finding::{Finding, Place, Target};

const RULE: &str = "yaml-text";
/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of a file, when it is UTF-8 without control characters. A leading byte order mark is let pass.
pub(super) fn checked<'t>(file: &Arc<str>, bytes: &'t [u8], findings: &mut Vec<Finding>) -> Option<&'t str> {
    let at = |from, to| Place { file: file.clone(), document: 0, target: Target::Bytes { from, to } };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let from = error.valid_up_to();
            let to = (from + error.error_len().unwrap_or(1)).min(bytes.len());
            let finding = Finding::error(RULE, "the file is not UTF-8").at(at(from, to)).help(advice(bytes));
            findings.push(finding);
            return None;
        }
    };
    let bad = bytes.iter().position(|&b| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0x7F);
    if let Some(from) = bad {
        let message = format!("the file holds the control character U+{:04X}", bytes[from]);
        findings.push(
            Finding::error(RULE, message)
                .at(at(from, from + 1))
                .help("remove it, or write it as an escape in double quotes: `\"\\x07\"`"),
        );
        return None;
    }
    let body = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
    if let Some(from) = text.get(body..).and_then(|rest| rest.find('\u{FEFF}')) {
        let (from, to) = (body + from, body + from + MARK.len());
        let message = "a byte order mark (U+FEFF) inside the file";
        findings
            .push(Finding::error(RULE, message).at(at(from, to)).help("remove it; it is invisible in most editors"));
        return None;
    }
    Some(text)
}

fn advice(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        "it begins like UTF-16: save it as UTF-8"
    } else {
        "save it as UTF-8"
    }
}
