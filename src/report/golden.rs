//! Golden files: `tests/cases/report/<name>` is what a report must be, to the byte, and can be read as such.

use std::{fs, path::Path};

use super::{Format, Paper, Report, write};

/// The report as text.
pub(crate) fn told(report: &dyn Report, format: Format, paper: &Paper) -> String {
    let mut out = Vec::new();
    write(report, format, paper, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Compares every format of a report with its golden file.
pub(crate) fn check(name: &str, report: &dyn Report) {
    for (format, ending) in
        Format::ALL.into_iter().zip(["txt", "json", "md", "html", "sarif", "xml", "github", "gitlab"])
    {
        let text = told(report, format, &Paper::default()).replace(env!("CARGO_PKG_VERSION"), "@@VERSION@@");
        compare(&format!("tests/cases/report/{name}.{ending}"), &text);
    }
}

/// Compares with a file, or writes it when `TWINOPS_BLESS` is set.
pub(crate) fn compare(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let mend = "if the new text is right: TWINOPS_BLESS=1 cargo test --lib report:: and read the diff";
    assert!(golden == text, "{} differs; {mend}\n--- golden\n{golden}\n--- now\n{text}", path.display());
}
