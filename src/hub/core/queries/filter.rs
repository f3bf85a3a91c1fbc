//! What the store can find by itself.

use crate::{
    hub::store::{Filter, Term},
    query::{Condition, Equality, Literal, Sieve},
};

/// Most values that are handed to the store.
const MOST: usize = 500;

/// The terms of a condition that a store understands; every selected record satisfies them.
pub(super) fn filter(condition: Option<&Condition>) -> Filter {
    Filter {
        terms: condition.into_iter().flat_map(Condition::equalities).filter_map(term).collect(),
        sieve: condition.map_or(Sieve::All(Vec::new()), Condition::sieve),
    }
}

fn term(equality: Equality<'_>) -> Option<Term> {
    let texts = equality.any_of.iter().map(|literal| match literal {
        // A database may take these for the end of a text.
        Literal::Text(text) if !text.contains('\0') => Some(text.clone()),
        _ => None,
    });
    let any_of = texts.collect::<Option<Vec<_>>>().filter(|any_of| any_of.len() <= MOST)?;
    if equality.path.is("deviceId") {
        return Some(Term::DeviceIds(any_of));
    }
    if equality.path.is("moduleId") {
        return Some(Term::ModuleIds(any_of));
    }
    let keys: Vec<String> = equality.path.segments().skip(1).map(str::to_owned).collect();
    (equality.path.root() == "tags" && !keys.is_empty()).then_some(Term::Tag { keys, any_of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_texts_among_tags_are_for_the_store() {
        let condition = "deviceId IN ['a','b'] AND tags.site.name = 'x' AND tags.n = 1 AND properties.desired.a = 'b'";
        let found = filter(Some(&Condition::parse(condition).unwrap()));
        let ids = Term::DeviceIds(vec!["a".into(), "b".into()]);
        let tag = Term::Tag { keys: vec!["site".into(), "name".into()], any_of: vec!["x".into()] };
        assert_eq!(found.terms, [ids, tag]);
        let found = filter(Some(&Condition::parse("moduleId = '$edgeAgent' AND deviceId = 'a'").unwrap()));
        let terms = [Term::ModuleIds(vec!["$edgeAgent".into()]), Term::DeviceIds(vec!["a".into()])];
        assert_eq!(found.terms, terms);
        assert_eq!(filter(Some(&Condition::parse("deviceId = 'a' OR tags.b = 'c'").unwrap())).terms, []);
    }
}
