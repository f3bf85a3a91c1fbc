//! Paths into a twin: `deviceId`, `tags.site`, `configurations.[[fw-stable]].status`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::error::QueryError;
use super::{lexer, parse, suggest};

/// Top-level fields of a twin or of a device's part in a job, in their canonical spelling (protocol reference 6.2, 9.1).
const ROOTS: [&str; 27] = [
    "deviceId",
    "moduleId",
    "etag",
    "deviceEtag",
    "version",
    "status",
    "statusReason",
    "statusUpdateTime",
    "connectionState",
    "lastActivityTime",
    "cloudToDeviceMessageCount",
    "authenticationType",
    "x509Thumbprint",
    "capabilities",
    "modelId",
    "deviceScope",
    "parentScopes",
    "configurations",
    "tags",
    "properties",
    "jobId",
    "jobType",
    "startTimeUtc",
    "endTimeUtc",
    "createdDateTimeUtc",
    "lastUpdatedDateTimeUtc",
    "outcome",
];

/// A path to a value of a twin; identity fields are in their canonical spelling, whatever the query wrote
/// (protocol reference 6.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    segments: Box<[Box<str>]>,
}

impl FieldPath {
    /// From at least one segment; a `devices.` prefix is dropped and identity fields get their canonical spelling.
    pub(super) fn from_segments(mut segments: Vec<&str>) -> Option<Self> {
        segments.drain(..prefix_length(&segments));
        if let Some(root) = segments.first_mut()
            && let Some(canonical) = ROOTS.iter().find(|known| known.eq_ignore_ascii_case(root))
        {
            *root = canonical;
        }
        if let [root, flag] = segments.as_mut_slice()
            && *root == "capabilities"
            && flag.eq_ignore_ascii_case("iotEdge")
        {
            *flag = "iotEdge";
        }
        let segments: Box<[Box<str>]> = segments.into_iter().map(Box::from).collect();
        (!segments.is_empty()).then_some(Self { segments })
    }

    /// Reads a path as a query would write it.
    ///
    /// # Errors
    ///
    /// When the text is not exactly one path.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::path(text)
    }

    /// The segments from the root down, without quotes; there is at least one.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.segments.iter().map(AsRef::as_ref)
    }

    /// The first segment: an identity field, `tags`, `properties` or `configurations`.
    pub fn root(&self) -> &str {
        self.segments.first().map_or("", AsRef::as_ref)
    }

    /// The last segment, which names an unaliased column of a result (protocol reference 6.2).
    pub fn leaf(&self) -> &str {
        self.segments.last().map_or("", AsRef::as_ref)
    }

    /// Whether this is the top-level field `name`, e.g. `deviceId`.
    pub fn is(&self, name: &str) -> bool {
        self.segments.len() == 1 && self.root() == name
    }

    /// Why this path can never be there, if that is known.
    pub(super) fn doubt(&self) -> Option<String> {
        let root = self.root();
        if !ROOTS.contains(&root) {
            return Some(format!("no twin has a field `{root}`{}", suggest::hint(root, ROOTS)));
        }
        let section = self.segments.get(1).map(AsRef::as_ref);
        match (root, section) {
            ("properties", None) => Some("name the section: `properties.desired.…` or `properties.reported.…`".into()),
            ("properties", Some(section)) if section != "desired" && section != "reported" => {
                let hint = suggest::hint(section, ["desired", "reported"]);
                Some(format!("`properties` has no section `{section}`{hint}"))
            }
            _ => None,
        }
    }
}

/// How many leading segments only name the source: `devices.`, `devices.modules.`, `devices.jobs.`.
fn prefix_length(segments: &[&str]) -> usize {
    let is = |at: usize, name: &str| segments.get(at).is_some_and(|segment| segment.eq_ignore_ascii_case(name));
    match () {
        () if !is(0, "devices") => 0,
        () if is(1, "modules") || is(1, "jobs") => 2,
        () => 1,
    }
}

/// Whether a path can begin with this segment. Behind the source's name every segment can stand, in brackets at least.
fn stands_alone(root: &str) -> bool {
    !root.starts_with(|first: char| first.is_ascii_digit())
        && root.chars().all(lexer::in_name)
        && !parse::words::is_reserved(root)
        && !root.eq_ignore_ascii_case("devices")
}

impl FromStr for FieldPath {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stands_alone = stands_alone(self.root());
        if !stands_alone {
            f.write_str("devices.")?;
        }
        for (at, segment) in self.segments().enumerate() {
            if at > 0 {
                f.write_char('.')?;
            }
            if (at > 0 || stands_alone) && segment.chars().all(lexer::in_name) {
                f.write_str(segment)?;
            } else {
                write!(f, "[[{segment}]]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        FieldPath::parse(text).unwrap().to_string()
    }

    #[test]
    fn identity_fields_get_their_canonical_spelling_and_lose_the_prefix() {
        assert_eq!(canonical("DEVICES.DeviceID"), "deviceId");
        assert_eq!(canonical("devices.modules.moduleid"), "moduleId");
        assert_eq!(canonical("devices.jobs.JobId"), "jobId");
        assert_eq!(canonical("Capabilities.iotedge"), "capabilities.iotEdge");
    }

    #[test]
    fn property_paths_keep_their_case() {
        assert_eq!(canonical("tags.Site"), "tags.Site");
        let deep = "properties.reported.$metadata.fw.$lastUpdated";
        assert_eq!(canonical(deep), deep);
    }

    #[test]
    fn quotes_stay_where_they_are_needed() {
        assert_eq!(canonical("configurations.[[fw-stable]].[[status]]"), "configurations.[[fw-stable]].status");
    }

    #[test]
    fn a_root_that_cannot_begin_a_path_stands_behind_the_source() {
        for path in ["devices.[[0obId]]", "devices.[[a b]].c", "devices.[[where]]", "devices.[[devices]].jobs"] {
            assert_eq!(canonical(path), path);
        }
        assert_eq!(canonical("devices.jobs.0obId"), "devices.[[0obId]]");
    }

    #[test]
    fn a_path_that_is_only_a_prefix_or_has_company_is_refused() {
        assert!(FieldPath::parse("devices").is_err());
        assert!(FieldPath::parse("devices.modules").is_err());
        assert!(FieldPath::parse("tags.a = 1").is_err());
        assert!(FieldPath::parse("").is_err());
    }

    #[test]
    fn unknown_fields_are_doubted() {
        assert!(FieldPath::parse("tag.site").unwrap().doubt().unwrap().contains("did you mean `tags`"));
        assert!(FieldPath::parse("properties.report.x").unwrap().doubt().unwrap().contains("`reported`"));
        assert!(FieldPath::parse("tags.site").unwrap().doubt().is_none());
    }
}
