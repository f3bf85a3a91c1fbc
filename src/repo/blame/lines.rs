//! Lines across two versions of a file.

use git2::{Blob, DiffOptions, Oid, Patch, Repository};

/// A line that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number where it was asked for, from 1.
    pub(super) asked: usize,
    /// Its number in the version that is looked at.
    pub(super) here: usize,
}

/// The lines that an older version has as well, by their numbers there; and those that it does not have.
pub(super) fn shared(
    git: &Repository,
    old: Oid,
    new: Oid,
    lines: Vec<Line>,
) -> Result<(Vec<Line>, Vec<Line>), git2::Error> {
    let (old, new) = (git.find_blob(old)?, git.find_blob(new)?);
    let patch = Patch::from_blobs(&old, None, &new, None, Some(&mut options()))?;
    Ok(split(&hunks(&patch)?, lines))
}

/// The lines of a working copy that a version has as well, by their numbers there.
pub(super) fn in_blob(git: &Repository, old: Oid, new: &[u8], lines: Vec<Line>) -> Result<Vec<Line>, git2::Error> {
    let old: Blob<'_> = git.find_blob(old)?;
    let patch = Patch::from_blob_and_buffer(&old, None, new, None, Some(&mut options()))?;
    Ok(split(&hunks(&patch)?, lines).0)
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    options
}

/// A stretch that differs: first line and number of lines, in the old version and in the new one.
struct Hunk {
    old: (usize, usize),
    new: (usize, usize),
}

fn hunks(patch: &Patch<'_>) -> Result<Vec<Hunk>, git2::Error> {
    let stretch = |start: u32, count: u32| {
        let (start, count) = (start as usize, count as usize);
        // Of nothing, the line before is given.
        if count == 0 { (start + 1, 0) } else { (start, count) }
    };
    let hunk = |at| {
        let (hunk, _) = patch.hunk(at)?;
        let (old, new) = (stretch(hunk.old_start(), hunk.old_lines()), stretch(hunk.new_start(), hunk.new_lines()));
        Ok(Hunk { old, new })
    };
    (0..patch.num_hunks()).map(hunk).collect()
}

fn split(hunks: &[Hunk], lines: Vec<Line>) -> (Vec<Line>, Vec<Line>) {
    let (mut shared, mut changed) = (Vec::new(), Vec::new());
    for line in lines {
        let before = hunks.partition_point(|hunk| hunk.new.0 + hunk.new.1 <= line.here);
        let inside = hunks.get(before).is_some_and(|hunk| (hunk.new.0..hunk.new.0 + hunk.new.1).contains(&line.here));
        if inside {
            changed.push(line);
            continue;
        }
        let here = match before.checked_sub(1).and_then(|last| hunks.get(last)) {
            Some(hunk) => line.here - (hunk.new.0 + hunk.new.1) + hunk.old.0 + hunk.old.1,
            None => line.here,
        };
        shared.push(Line { here, ..line });
    }
    (shared, changed)
}
