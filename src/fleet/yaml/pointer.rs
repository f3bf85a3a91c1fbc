//! JSON pointers (RFC 6901).

/// A key as a step of a JSON pointer (RFC 6901).
pub(in crate::fleet) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
