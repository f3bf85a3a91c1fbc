//! Where an operation of a JSON Patch points (RFC 6901).

use crate::hub::failure::Failure;

/// The keys of a pointer; at least one. Members of the hub, which begin with `$`, cannot be pointed at.
pub(super) fn parse(text: &str) -> Result<Vec<String>, Failure> {
    let wrong = |why: &str| Failure::invalid(format!("path {text:?}: {why}"));
    let rest = text.strip_prefix('/').ok_or_else(|| wrong("a path begins with '/' and names a property"))?;
    rest.split('/')
        .map(|segment| {
            let key = unescaped(segment).ok_or_else(|| wrong("'~' is written '~0', and '/' in a name '~1'"))?;
            if key.is_empty() || key.starts_with('$') || key == super::MARKER {
                return Err(wrong("only properties and components can be written"));
            }
            Ok(key)
        })
        .collect()
}

fn unescaped(segment: &str) -> Option<String> {
    let mut key = String::with_capacity(segment.len());
    let mut rest = segment.chars();
    while let Some(next) = rest.next() {
        key.push(match next {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(parse("/a~1b/c~01"), Ok(vec!["a/b".to_owned(), "c~1".to_owned()]));
        for bad in ["", "a", "/", "/a/", "//a", "/a~", "/a~2", "/$dtId", "/a/$metadata", "/a/__t"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
