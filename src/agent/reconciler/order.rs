//! In which order components, and the properties of one, are brought about.

use std::collections::BTreeMap;

/// Names in an order in which everything comes after what it depends on, and otherwise as they came; and apart from
/// them the names that depend on each other in a circle.
pub(super) fn order<'a, D: AsRef<[N]>, N: AsRef<str>>(
    names: &[&'a str],
    depends_on: impl Fn(&str) -> D,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let depends_on: BTreeMap<&str, D> = names.iter().map(|name| (*name, depends_on(name))).collect();
    let mut left = names.to_vec();
    let mut done: Vec<&str> = Vec::with_capacity(names.len());
    loop {
        let met = |need: &N| !depends_on.contains_key(need.as_ref()) || done.contains(&need.as_ref());
        let ready = |name: &&str| depends_on[name].as_ref().iter().all(met);
        let Some(at) = left.iter().position(ready) else { return (done, left) };
        done.push(left.remove(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(name: &str) -> &'static [&'static str] {
        match name {
            "apps" => &["certificates", "storage"],
            "certificates" => &["storage"],
            "hen" => &["egg"],
            "egg" => &["hen"],
            _ => &[],
        }
    }

    #[test]
    fn what_is_needed_comes_first() {
        assert_eq!(
            order(&["apps", "certificates", "storage", "time"], needs).0,
            ["storage", "certificates", "apps", "time"]
        );
    }

    #[test]
    fn what_is_needed_but_not_wanted_is_not_waited_for() {
        assert_eq!(order(&["apps"], needs).0, ["apps"]);
    }

    #[test]
    fn a_circle_is_told_apart() {
        assert_eq!(order(&["egg", "hen", "time"], needs), (vec!["time"], vec!["egg", "hen"]));
    }
}
