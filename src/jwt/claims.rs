//! What a token says.

use serde_json::Value;

/// A claim by its name, which may have dots in it, or by the way to it: `realm_access.roles`.
fn find<'c>(claims: &'c Value, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| name.split('.').try_fold(claims, |value, part| value.get(part)))
}

/// The texts of a claim that has one or a list of them.
pub(crate) fn texts<'c>(claims: &'c Value, name: &str) -> impl Iterator<Item = &'c str> {
    let found = match find(claims, name) {
        Some(Value::Array(many)) => many.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    found.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_has_a_name_or_a_way_to_it() {
        let claims = json!({ "a.b": "one", "a": { "b": "two", "c": ["x", 7, "y"] }, "n": 1 });
        let all = |name| texts(&claims, name).collect::<Vec<_>>();
        assert_eq!(all("a.b"), ["one"]);
        assert_eq!(all("a.c"), ["x", "y"]);
        assert_eq!((all("n"), all("a"), all("")), (vec![], vec![], vec![]));
    }
}
