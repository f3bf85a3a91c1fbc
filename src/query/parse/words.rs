//! The reserved words, and words of other query languages that people try.

/// Words that cannot begin a path.
pub(super) const KEYWORDS: [&str; 18] = [
    "SELECT",
    "TOP",
    "AS",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "AND",
    "OR",
    "NOT",
    "IN",
    "NIN",
    "TRUE",
    "FALSE",
    "NULL",
    "UNDEFINED",
    "COUNT",
    "DEVICES",
];

const RESERVED: usize = 16;

/// Words of SQL that IoT Hub's language lacks (protocol reference 6.2), and what to do without them.
const LACKING: [(&str, &str); 12] = [
    ("JOIN", "query one source at a time"),
    ("ORDER", "sort the answer yourself"),
    ("DISTINCT", "use GROUP BY"),
    ("HAVING", "filter the answer yourself"),
    ("LIMIT", "write TOP n after SELECT"),
    ("OFFSET", "page with the continuation token"),
    ("LIKE", "use STARTSWITH, ENDS_WITH or CONTAINS"),
    ("BETWEEN", "compare twice: a >= 1 AND a <= 2"),
    ("IS", "use = null, IS_NULL(path) or IS_DEFINED(path)"),
    ("EXISTS", "use IS_DEFINED(path)"),
    ("UNION", "run two queries"),
    ("CASE", "select the fields and decide yourself"),
];

pub(in crate::query) fn is_reserved(name: &str) -> bool {
    KEYWORDS[..RESERVED].iter().any(|keyword| keyword.eq_ignore_ascii_case(name))
}

/// The advice for a word that the language lacks, ready to be appended to a message.
pub(super) fn unsupported(name: &str) -> Option<String> {
    let (word, advice) = LACKING.iter().find(|(word, _)| word.eq_ignore_ascii_case(name))?;
    Some(format!("; IoT Hub queries have no {word}: {advice}"))
}
