//! What can be declared apart: the leaves of a component, and for each who has which value.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    forms::{Form, Forms},
    names::number,
    scope::Scope,
};
use crate::twin::{Map, get, set_path};

/// Classes that no rule sets: the value is absent; it is of no account; it must not be touched.
pub(super) const NONE: u32 = 0;
pub(super) const ANY: u32 = u32::MAX;
pub(super) const BARRED: u32 = u32::MAX - 1;

/// What is declared of a form: numbers of paths and of values, sorted.
type Leaves = Box<[(u32, u32)]>;
/// Paths at which all that lies below is one piece.
type Roots = BTreeSet<Vec<Arc<str>>>;

/// Paths that fall together: whoever differs in one differs in all.
#[derive(Debug)]
pub(super) struct Group {
    /// The class of each form of the component.
    pub(super) classes: Vec<u32>,
    /// The paths, and the value of each class from 1 on.
    pub(super) paths: Vec<(u32, Vec<u32>)>,
    /// Only rules that hit nobody else: a wrong value could not be taken back.
    pub(super) exact: bool,
}

/// One component taken apart.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// What of each form is declared: paths and values, sorted. `None` for a form that is left out.
    pub(super) forms: Vec<Option<Leaves>>,
    pub(super) groups: Vec<Group>,
}

/// Takes a component apart; `whole`: into one piece.
pub(super) fn units(forms: &mut Forms, component: u32, scope: &Scope, whole: bool) -> Units {
    let keys = forms.components[component as usize].keys.clone();
    let given = forms.components[component as usize].forms.clone();
    let roots = if whole { BTreeSet::from([keys]) } else { mixed(forms, &given) };
    let mut found: Vec<Option<Leaves>> = Vec::with_capacity(given.len());
    for form in &given {
        found.push(match form {
            Form::Absent => Some(Box::default()),
            Form::Left => None,
            Form::Declared(leaves) => Some(joined(forms, leaves, &roots)),
        });
    }
    let groups = groups(forms, &found, &roots, scope);
    Units { forms: found, groups }
}

/// Paths at which one form has a value and another an object: what lies there is one piece.
fn mixed(forms: &Forms, given: &[Form]) -> Roots {
    let mut solid: Roots = BTreeSet::new();
    let mut parents: Roots = BTreeSet::new();
    let kinds: HashSet<(u32, bool)> = given
        .iter()
        .filter_map(declared)
        .flatten()
        .map(|(path, value)| (*path, forms.is_empty_object(*value)))
        .collect();
    for (path, is_object) in kinds {
        let keys = forms.paths.get(path);
        if is_object {
            parents.insert(keys.to_vec());
        } else {
            solid.insert(keys.to_vec());
        }
        parents.extend((1..keys.len()).map(|end| keys[..end].to_vec()));
    }
    let all: Roots = solid.intersection(&parents).cloned().collect();
    let outer = |path: &&Vec<Arc<str>>| !(1..path.len()).any(|end| all.contains(&path[..end]));
    all.iter().filter(outer).cloned().collect()
}

fn declared(form: &Form) -> Option<&[(u32, u32)]> {
    match form {
        Form::Declared(leaves) => Some(leaves),
        Form::Absent | Form::Left => None,
    }
}

/// The leaves with those below a root joined to the value there.
fn joined(forms: &mut Forms, leaves: &[(u32, u32)], roots: &Roots) -> Leaves {
    if roots.is_empty() {
        return leaves.into();
    }
    let mut kept = Vec::new();
    let mut below: BTreeMap<&Vec<Arc<str>>, Map> = BTreeMap::new();
    for (path, value) in leaves {
        let keys = Arc::clone(forms.paths.get(*path));
        match roots.iter().find(|root| keys.starts_with(root)) {
            Some(root) => set_path(below.entry(root).or_default(), &keys, forms.value(*value)),
            None => kept.push((*path, *value)),
        }
    }
    for (root, section) in below {
        if let Some(value) = get(&section, root) {
            kept.push((forms.paths.id(root), forms.value_id(value)));
        }
    }
    kept.sort_unstable();
    kept.into()
}

/// The groups of paths, in the order of their first path.
fn groups(forms: &Forms, found: &[Option<Leaves>], roots: &Roots, scope: &Scope) -> Vec<Group> {
    let mut holders: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for (form, leaves) in found.iter().enumerate() {
        for (path, value) in leaves.iter().flatten() {
            holders.entry(*path).or_default().push((number(form), *value));
        }
    }
    let left: Vec<u32> =
        found.iter().enumerate().filter(|(_, leaves)| leaves.is_none()).map(|(at, _)| number(at)).collect();
    let mut places: HashMap<(bool, Vec<(u32, u32)>), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (path, held) in &holders {
        let keys = forms.paths.get(*path);
        let is_empty = held.iter().any(|(_, value)| forms.is_empty_object(*value));
        // A null in the place of an object would take with it what was not imported.
        let exact = roots.contains(&**keys) || (is_empty && scope.touches(keys));
        let (mut classes, values) = classes(held);
        if is_empty && !exact {
            classes.extend(deeper(forms, *path, found).map(|form| (form, ANY)));
        }
        classes.extend(left.iter().map(|form| (*form, BARRED)));
        let next = groups.len();
        let at = *places.entry((exact, classes.clone())).or_insert(next);
        if at == next {
            let mut dense = vec![NONE; found.len()];
            for (form, class) in &classes {
                dense[*form as usize] = *class;
            }
            groups.push(Group { classes: dense, paths: Vec::new(), exact });
        }
        groups[at].paths.push((*path, values));
    }
    groups
}

/// Forms and their class, and the value of each class.
fn classes(held: &[(u32, u32)]) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut ids: HashMap<u32, u32> = HashMap::new();
    let mut values = Vec::new();
    let mut class = |value: u32| {
        *ids.entry(value).or_insert_with(|| {
            values.push(value);
            number(values.len())
        })
    };
    let classes = held.iter().map(|(form, value)| (*form, class(*value))).collect();
    (classes, values)
}

/// Forms that have something below a path: an object without members there says nothing new of them.
fn deeper<'f>(forms: &'f Forms, path: u32, found: &'f [Option<Leaves>]) -> impl Iterator<Item = u32> + 'f {
    let root = forms.paths.get(path);
    let below = move |(other, _): &(u32, u32)| *other != path && forms.paths.get(*other).starts_with(root);
    let has = move |leaves: &Option<Leaves>| leaves.iter().flatten().any(below);
    found.iter().enumerate().filter(move |(_, leaves)| has(leaves)).map(|(form, _)| number(form))
}
