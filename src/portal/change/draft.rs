//! Files as somebody wants them to be, and the commit that they were made from, as a page carries them.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::port::{Files, Proposal};
use crate::{
    fleet::{FileKind, Source},
    portal::asked::field,
    report::{Hunk, hunks},
};

/// Files of one proposal.
const FILES: usize = 50;
/// Lines of a file's difference that a page shows.
const LINES: usize = 400;
/// Letters of a branch's name that come from the message.
const SLUG: usize = 40;
/// Longest first line of a message, and longest message, in characters.
const LONGEST: (usize, usize) = (120, 4000);

/// A proposal that is not made yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::portal) struct Draft {
    /// The commit that it was made from.
    pub(in crate::portal) base: String,
    /// The files that differ from it.
    pub(in crate::portal) files: Files,
}

/// What a commit says: a first line, and more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::portal) struct Words {
    pub(in crate::portal) subject: String,
    pub(in crate::portal) body: String,
}

/// How one file changes.
pub(in crate::portal) struct FileDiff {
    pub(in crate::portal) path: Arc<str>,
    pub(in crate::portal) is_new: bool,
    pub(in crate::portal) hunks: Vec<Hunk>,
    pub(in crate::portal) left_out: usize,
}

impl Draft {
    /// Files as they are to be, by path; those that stay as they are, are left out.
    pub(in crate::portal) fn new(
        base: &str,
        source: &Source,
        files: impl IntoIterator<Item = (Arc<str>, String)>,
    ) -> Result<Self, String> {
        let mut draft = Self { base: base.to_owned(), files: Files::new() };
        for (path, text) in files {
            if !is_document(&path) {
                return Err(format!("`{path}` can be no document of a fleet"));
            }
            let old = source.file(&path).map(|file| &*file.text);
            if old != Some(text.as_bytes()) {
                draft.files.insert(path, text);
            }
        }
        if draft.files.len() > FILES { Err(format!("more than {FILES} files change at once")) } else { Ok(draft) }
    }

    /// One file as somebody has typed it: browsers send every line with CR and LF, and the file keeps the ends that it has.
    pub(in crate::portal) fn typed(base: &str, source: &Source, path: Arc<str>, text: &str) -> Result<Self, String> {
        let text = with_line_ends(text, source.file(&path).map(|file| &*file.text));
        Self::new(base, source, [(path, text)])
    }

    /// As a page hands it back: pairs of `file` and `text`.
    pub(in crate::portal) fn read(form: &[(String, String)], source: &Source) -> Result<Self, String> {
        let named = |wanted: &'static str| form.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value);
        let texts: Result<Vec<String>, _> = named("text").map(|text| serde_json::from_str(text)).collect();
        let texts = texts.map_err(|error| format!("the form is damaged: {error}"))?;
        Self::new(field(form, "base"), source, named("file").map(|path| Arc::from(path.as_str())).zip(texts))
    }

    /// What pages carry: paths, and texts as JSON, because browsers change the ends of lines.
    pub(in crate::portal) fn carried(&self) -> impl Iterator<Item = (&str, String)> {
        self.files.iter().map(|(path, text)| (&**path, serde_json::Value::from(text.as_str()).to_string()))
    }

    /// How its files differ from those of its base.
    pub(in crate::portal) fn diffs(&self, source: &Source) -> Vec<FileDiff> {
        let diff = |(path, text): (&Arc<str>, &String)| {
            let old = source.file(path).map(|file| String::from_utf8_lossy(&file.text).into_owned());
            let (hunks, left_out) = hunks(old.as_deref().unwrap_or_default(), text, LINES);
            FileDiff { path: Arc::clone(path), is_new: old.is_none(), hunks, left_out }
        };
        self.files.iter().map(diff).collect()
    }

    /// The files that are not the same in two sources: somebody else has changed them too.
    pub(in crate::portal) fn conflicts(&self, base: &Source, now: &Source) -> Vec<Arc<str>> {
        let text = |source: &Source, path: &str| source.file(path).map(|file| Arc::clone(&file.text));
        self.files.keys().filter(|path| text(base, path) != text(now, path)).cloned().collect()
    }

    /// As it goes to the repository.
    pub(in crate::portal) fn proposal(self, words: &Words) -> Proposal {
        let branch = self.branch(words);
        Proposal { base: self.base, files: self.files, branch, message: words.message(), author: None }
    }

    /// A branch of its own: two people who choose the same words do not meet.
    fn branch(&self, words: &Words) -> String {
        let mut digest = Sha256::new();
        digest.update(&self.base);
        for (path, text) in &self.files {
            for part in [path.as_bytes(), &[0], text.as_bytes(), &[0]] {
                digest.update(part);
            }
        }
        let unique = u32::from_be_bytes(digest.finalize().first_chunk().copied().unwrap_or_default());
        let slug = words.slug();
        let gap = if slug.is_empty() { "" } else { "-" };
        format!("twinops/change-{slug}{gap}{unique:08x}")
    }
}

impl Words {
    /// What a page hands back.
    ///
    /// # Errors
    /// One sentence, when it is no message.
    pub(in crate::portal) fn read(form: &[(String, String)]) -> Result<Self, String> {
        let clean = |text: &str| -> String {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            text.chars().filter(|c| *c == '\n' || !c.is_control()).collect::<String>().trim().to_owned()
        };
        let words =
            Self { subject: clean(field(form, "subject")).replace('\n', " "), body: clean(field(form, "body")) };
        let (subject, body) = (words.subject.chars().count(), words.body.chars().count());
        match (subject, subject + body) {
            (0, _) => Err("say in a line what changes, and why: it becomes the commit's message".to_owned()),
            (long, _) if long > LONGEST.0 => Err(format!("the first line has more than {} characters", LONGEST.0)),
            (_, long) if long > LONGEST.1 => Err(format!("the message has more than {} characters", LONGEST.1)),
            _ => Ok(words),
        }
    }

    fn message(&self) -> String {
        if self.body.is_empty() { self.subject.clone() } else { format!("{}\n\n{}", self.subject, self.body) }
    }

    /// The first line as part of a name.
    fn slug(&self) -> String {
        let letters =
            self.subject.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        let all: String = letters.collect();
        let words: Vec<&str> = all.split('-').filter(|word| !word.is_empty()).collect();
        words.join("-").chars().take(SLUG).collect::<String>().trim_end_matches('-').to_owned()
    }
}

/// Whether a path names a file that may hold documents, and leads nowhere else.
fn is_document(path: &str) -> bool {
    let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    plain
        && !path.contains(['\\', ':'])
        && !path.chars().any(char::is_control)
        && FileKind::of(path) == Some(FileKind::Documents)
}

fn with_line_ends(text: &str, old: Option<&[u8]>) -> String {
    let text = text.replace("\r\n", "\n");
    let is_crlf = old.is_some_and(|old| old.windows(2).any(|pair| pair == b"\r\n"));
    if is_crlf { text.replace('\n', "\r\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::SourceFile;

    fn source(text: &str) -> Source {
        Source::from_files([SourceFile { path: "a.yaml".into(), text: text.as_bytes().into() }])
    }

    fn draft(path: &str, text: &str, old: &str) -> Result<Draft, String> {
        Draft::typed("c0ffee", &source(old), path.into(), text)
    }

    #[test]
    fn a_page_carries_a_draft_to_the_byte() {
        let old = source("a\r\nb\n");
        let draft = Draft::new("c0ffee", &old, [("a.yaml".into(), "a\r\nc\n\"</textarea>\u{1}".to_owned())]).unwrap();
        let mut sent = vec![("base".to_owned(), "c0ffee".to_owned())];
        for (path, text) in draft.carried() {
            assert!(!text.contains(['\r', '\n']));
            sent.extend([("file".to_owned(), path.to_owned()), ("text".to_owned(), text)]);
        }
        assert_eq!(Draft::read(&sent, &old), Ok(draft));
        assert!(
            Draft::read(&[("file".to_owned(), "a.yaml".to_owned()), ("text".to_owned(), "x".to_owned())], &old)
                .is_err()
        );
    }

    #[test]
    fn a_file_keeps_its_line_ends_and_one_that_stays_as_it_is_is_no_change() {
        assert_eq!(draft("a.yaml", "a\r\nb\r\n", "a\nb\n").unwrap().files.len(), 0);
        assert_eq!(draft("a.yaml", "a\r\nb\r\n", "a\r\nb\r\n").unwrap().files.len(), 0);
        assert_eq!(draft("a.yaml", "a\r\nc\r\n", "a\r\nb\r\n").unwrap().files["a.yaml"], "a\r\nc\r\n");
        assert_eq!(draft("a.yaml", "a\r\nc\r\n", "a\nb\n").unwrap().files["a.yaml"], "a\nc\n");
        assert_eq!(draft("new/b.yaml", "a\r\n", "").unwrap().files["new/b.yaml"], "a\n");
    }

    #[test]
    fn nothing_but_documents_of_the_fleet_is_written() {
        for path in
            [".github/x.yaml", "../a.yaml", "/etc/a.yaml", "a//b.yaml", "a.sh", "a\\b.yaml", "s.sops.yaml", "x\n.yaml"]
        {
            assert!(draft(path, "a", "").is_err(), "{path}");
        }
    }

    #[test]
    fn a_branch_is_called_after_the_message_and_the_change() {
        let words = |subject: &str| Words { subject: subject.to_owned(), body: String::new() };
        let change = draft("a.yaml", "b\n", "a\n").unwrap();
        let branch = change.branch(&words("Brighter screens: 90 % (Oslo)!"));
        assert!(branch.starts_with("twinops/change-brighter-screens-90-oslo-"), "{branch}");
        assert_ne!(branch, draft("a.yaml", "c\n", "a\n").unwrap().branch(&words("Brighter screens: 90 % (Oslo)!")));
        assert_eq!(change.branch(&words("日本")).len(), "twinops/change-".len() + 8);
        assert!(change.branch(&words(&"ab ".repeat(50))).len() < 70);
    }

    #[test]
    fn a_message_has_a_first_line_and_no_control_characters() {
        let form = |subject: &str, body: &str| {
            Words::read(&[("subject".to_owned(), subject.to_owned()), ("body".to_owned(), body.to_owned())])
        };
        assert!(
            form("  ", "x").is_err() && form(&"x".repeat(121), "").is_err() && form("x", &"y".repeat(5000)).is_err()
        );
        let words = form("one\r\ntwo\u{7}", "a\r\nb\u{0}\r\n").unwrap();
        assert_eq!(words.message(), "one two\n\na\nb");
    }
}
