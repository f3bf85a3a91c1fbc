//! Layers of desired properties laid over each other, weakest first, with a memory of who set what.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::twin::{Map, same};

/// The layers merged so far.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    members: BTreeMap<String, Node>,
}

/// Which layer of those that are merged, and how strong it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) layer: usize,
    /// Layers of one rank may not contradict each other.
    pub(super) rank: usize,
}

#[derive(Debug)]
struct Node {
    content: Content,
    /// The strongest layer that has a say here.
    by: Origin,
    /// Layers of the same rank that say something else.
    rivals: Vec<usize>,
}

#[derive(Debug)]
enum Content {
    /// A scalar, an array or a `null`: replaced as a whole.
    Leaf(Value),
    Branch(BTreeMap<String, Node>),
}

/// One path that layers of one rank set differently.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) keys: Vec<String>,
    pub(super) layer: usize,
    pub(super) rivals: Vec<usize>,
}

impl Overlay {
    /// Lays a layer over those before it. No layer may be weaker than one that went in earlier.
    pub(super) fn add(&mut self, layer: &Map, origin: Origin) {
        add(&mut self.members, layer, origin);
    }

    /// The merged section, nulls and all.
    pub(super) fn into_values(self) -> Map {
        values(self.members)
    }

    /// Contradictions that nothing stronger settles.
    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        collect(&self.members, &mut Vec::new(), &mut found);
        found
    }
}

/// Lays a layer over those below it when no two can contradict each other: each is stronger than the one before.
pub(super) fn lay(below: &mut Map, above: &Map) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => lay(below, above),
            (Some(place), value) => *place = value.clone(),
            (None, value) => _ = below.insert(key.clone(), value.clone()),
        }
    }
}

fn add(members: &mut BTreeMap<String, Node>, layer: &Map, origin: Origin) {
    for (key, value) in layer {
        match members.get_mut(key) {
            Some(node) => node.add(value, origin),
            None => _ = members.insert(key.clone(), Node::new(value, origin)),
        }
    }
}

impl Node {
    fn new(value: &Value, by: Origin) -> Self {
        let content = match value {
            Value::Object(below) => {
                let mut members = BTreeMap::new();
                add(&mut members, below, by);
                Content::Branch(members)
            }
            leaf => Content::Leaf(leaf.clone()),
        };
        Self { content, by, rivals: Vec::new() }
    }

    fn add(&mut self, value: &Value, origin: Origin) {
        let equals = self.by.rank == origin.rank;
        match (&mut self.content, value) {
            (Content::Branch(members), Value::Object(below)) => {
                add(members, below, origin);
                // An object contradicted by a single value: members of a stronger layer settle nothing.
                if !self.rivals.is_empty() && !equals {
                    self.rivals.push(self.by.layer);
                }
                self.by = origin;
            }
            (Content::Leaf(leaf), other) if equals && same(leaf, other) => {}
            (Content::Leaf(_), Value::Object(_)) if equals => {
                let rival = std::mem::replace(self, Self::new(value, origin));
                self.rivals = rival.rivals;
                self.rivals.push(rival.by.layer);
            }
            _ if equals => self.rivals.push(origin.layer),
            _ => *self = Self::new(value, origin),
        }
    }
}

fn values(members: BTreeMap<String, Node>) -> Map {
    let value = |node: Node| match node.content {
        Content::Leaf(value) => value,
        Content::Branch(below) => Value::Object(values(below)),
    };
    members.into_iter().map(|(key, node)| (key, value(node))).collect()
}

fn collect(members: &BTreeMap<String, Node>, way: &mut Vec<String>, found: &mut Vec<Conflict>) {
    for (key, node) in members {
        way.push(key.clone());
        if !node.rivals.is_empty() {
            found.push(Conflict { keys: way.clone(), layer: node.by.layer, rivals: node.rivals.clone() });
        }
        if let Content::Branch(below) = &node.content {
            collect(below, way, found);
        }
        way.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn section() -> impl Strategy<Value = Map> {
        let leaf = prop_oneof![Just(Value::Null), (0..3).prop_map(Value::from), Just(json!([1])), Just(json!({}))];
        let node = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|members| members.into_iter().collect())
        });
        prop::collection::btree_map("[abc]", node, 0..4).prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn layers_each_stronger_than_the_one_before_are_laid_alike_without_a_memory(
            layers in prop::collection::vec(section(), 1..5),
        ) {
            let (mut overlay, mut laid) = (Overlay::default(), Map::new());
            for (at, layer) in layers.iter().enumerate() {
                overlay.add(layer, Origin { layer: at, rank: at });
                lay(&mut laid, layer);
            }
            prop_assert_eq!(overlay.conflicts(), Vec::new());
            prop_assert_eq!(overlay.into_values(), laid);
        }
    }
}
