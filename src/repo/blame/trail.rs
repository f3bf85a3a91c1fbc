//! The objects on the way to a file.

use git2::{ErrorCode, ObjectType, Oid, Repository};

/// The ids of the trees that lead to a file, outermost first, and at the end that of its content.
pub(super) type Trail = Vec<Oid>;

/// The trail to `path` below a tree; `None` when there is no such file. From the first tree on that is the same as in
/// `like`, so is the rest: nothing is read.
pub(super) fn of(git: &Repository, root: Oid, path: &str, like: &[Oid]) -> Result<Option<Trail>, git2::Error> {
    let mut trail = vec![root];
    let mut here = root;
    for (depth, name) in path.split('/').enumerate() {
        if like.get(depth) == Some(&here) {
            trail.extend_from_slice(&like[depth + 1..]);
            return Ok(Some(trail));
        }
        let tree = match git.find_tree(here) {
            Ok(tree) => tree,
            // A file stands where a folder is looked for.
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(entry) = tree.get_name(name) else { return Ok(None) };
        here = entry.id();
        trail.push(here);
        if entry.kind() == Some(ObjectType::Commit) {
            return Ok(None);
        }
    }
    Ok(Some(trail))
}
