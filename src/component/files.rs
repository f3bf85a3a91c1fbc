//! The component `files`: text files that the fleet keeps on its devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The managed files of a device by their ids: 1 to 64 letters, digits, `_` and `-`.
pub type Files = BTreeMap<String, ManagedFile>;

/// Longest id of a managed file, in characters.
pub const LONGEST_ID: usize = 64;

/// One text file that the agent keeps as declared. No longer declared, it is put back to what it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedFile {
    /// Where the file lies: absolute, and below a folder that the device allows.
    pub path: String,
    /// The text of the file, 4096 bytes at most. Needed unless the file is to be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(length(max = 4096)))]
    pub content: Option<String>,
    /// The permissions in octal, such as `"0644"`. Left alone when not given; a new file gets `0644`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^0?[0-7]{3}$")))]
    pub mode: Option<String>,
    /// Whether the file is to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<FileState>,
}

/// Whether a managed file is to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FileState {
    /// The file exists, with the given content.
    #[default]
    Present,
    /// No file exists at that path.
    Absent,
}

/// Why a managed file cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// A wrong id.
    #[error("`{0}` is not an id of a file; use 1 to {LONGEST_ID} letters, digits, `_` and `-`")]
    Id(String),
    /// A wrong mode.
    #[error("`{0}` is not a mode; write the permissions as three octal digits such as \"0644\"")]
    Mode(String),
    /// A present file without content.
    #[error("`content` is missing; write it, or `state: absent`")]
    NoContent,
    /// An absent file with content.
    #[error("`content` makes no sense for a file that is to be absent; leave one of them out")]
    AbsentContent,
}

/// Whether `id` can be the id of a managed file.
///
/// # Errors
/// When it cannot.
pub fn check_id(id: &str) -> Result<(), FilesError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let formed = (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(fits);
    if formed { Ok(()) } else { Err(FilesError::Id(id.to_owned())) }
}

impl ManagedFile {
    /// Whether the file is to be there.
    pub fn wants_presence(&self) -> bool {
        self.state.unwrap_or_default() == FileState::Present
    }

    /// The permissions as bits; `None` when they are to be left alone.
    ///
    /// # Errors
    /// When `mode` is not three octal digits.
    pub fn mode_bits(&self) -> Result<Option<u32>, FilesError> {
        let Some(text) = &self.mode else { return Ok(None) };
        let wrong = || FilesError::Mode(text.clone());
        let digits = if text.len() == 4 { text.strip_prefix('0').ok_or_else(wrong)? } else { text.as_str() };
        let formed = digits.len() == 3 && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if !formed {
            return Err(wrong());
        }
        u32::from_str_radix(digits, 8).map(Some).map_err(|_| wrong())
    }

    /// Whether the parts fit each other.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), FilesError> {
        self.mode_bits()?;
        match (self.wants_presence(), &self.content) {
            (true, None) => Err(FilesError::NoContent),
            (false, Some(_)) => Err(FilesError::AbsentContent),
            (true, Some(_)) | (false, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(mode: &str) -> ManagedFile {
        ManagedFile { path: "/x".into(), content: Some(String::new()), mode: Some(mode.into()), state: None }
    }

    #[test]
    fn modes_are_read_as_octal() {
        assert_eq!(file("0644").mode_bits(), Ok(Some(0o644)));
        assert_eq!(file("600").mode_bits(), Ok(Some(0o600)));
    }

    #[test]
    fn a_mode_cannot_make_a_file_run_as_another_user() {
        for mode in ["4755", "", "0", "01777", "0888", "+644"] {
            assert_eq!(file(mode).mode_bits(), Err(FilesError::Mode(mode.into())), "{mode}");
        }
    }

    #[test]
    fn content_and_absence_exclude_each_other() {
        let mut some = file("0644");
        some.state = Some(FileState::Absent);
        assert_eq!(some.check(), Err(FilesError::AbsentContent));
        some.content = None;
        assert_eq!(some.check(), Ok(()));
        some.state = None;
        assert_eq!(some.check(), Err(FilesError::NoContent));
    }

    proptest! {
        #[test]
        fn modes_of_any_text_are_read_or_refused(mode in any::<String>()) {
            if let Ok(Some(bits)) = file(&mode).mode_bits() {
                prop_assert!(bits <= 0o777);
            }
        }
    }
}
