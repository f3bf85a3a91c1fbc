//! How the numbers moved, in memory and, where a file is given, across restarts.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{Model, counts::Counts};
use crate::plan::Verdict;

/// Points that are kept. When there are more, every second of the older half goes.
const MOST: usize = 4096;

/// How many devices stood how at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::portal) struct Point {
    /// Seconds since 1970.
    pub(in crate::portal) time: i64,
    /// The commit.
    pub(in crate::portal) revision: String,
    pub(in crate::portal) compliant: u64,
    /// On the way, or not known.
    pub(in crate::portal) waiting: u64,
    /// Left what git says.
    pub(in crate::portal) drift: u64,
}

/// All points, oldest first.
#[derive(Debug, Default)]
pub(in crate::portal) struct History {
    points: Mutex<Vec<Point>>,
    file: Option<PathBuf>,
}

impl Point {
    fn of(model: &Model) -> Self {
        let counts: &Counts = &model.whole;
        let compliant = counts.stand(Some(Verdict::Compliant));
        let drift =
            counts.stands.iter().filter(|(stand, _)| stand.is_some_and(Verdict::is_drift)).map(|(_, n)| n).sum();
        let waiting = counts.managed() - compliant - drift;
        Self { time: model.taken.as_second(), revision: model.revision().to_owned(), compliant, waiting, drift }
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.revision, self.compliant, self.waiting, self.drift)
            == (&other.revision, other.compliant, other.waiting, other.drift)
    }
}

impl History {
    /// With what a file of earlier runs holds; lines that are none are passed over.
    ///
    /// # Errors
    /// When there is a file and it cannot be read.
    pub(in crate::portal) fn open(file: Option<&Path>) -> std::io::Result<Self> {
        let mut points = Vec::new();
        if let Some(path) = file.filter(|path| path.exists()) {
            for line in BufReader::new(File::open(path)?).lines() {
                points.extend(serde_json::from_str::<Point>(&line?));
                thin(&mut points);
            }
        }
        Ok(Self { points: Mutex::new(points), file: file.map(Path::to_owned) })
    }

    /// Adds how a model stands. Where nothing has moved, the last point moves on instead of a new one being made.
    pub(in crate::portal) fn add(&self, model: &Model) {
        let point = Point::of(model);
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        if let [.., before, last] = points.as_mut_slice()
            && before.is_like(&point)
            && last.is_like(&point)
        {
            last.time = point.time;
            return;
        }
        self.write(&point);
        points.push(point);
        thin(&mut points);
    }

    /// A history that cannot be written is worth a warning, and no failure.
    fn write(&self, point: &Point) {
        let Some(path) = &self.file else { return };
        let Ok(mut line) = serde_json::to_string(point) else { return };
        line.push('\n');
        let written = OpenOptions::new().create(true).append(true).open(path);
        if let Err(error) = written.and_then(|mut file| file.write_all(line.as_bytes())) {
            tracing::warn!(%error, "the history cannot be written");
        }
    }

    /// The latest points, oldest first.
    pub(in crate::portal) fn latest(&self, most: usize) -> Vec<Point> {
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        points.get(points.len().saturating_sub(most)..).unwrap_or_default().to_vec()
    }
}

fn thin(points: &mut Vec<Point>) {
    if points.len() <= MOST {
        return;
    }
    let mut at = 0;
    points.retain(|_| {
        at += 1;
        at > MOST / 2 || at % 2 == 1
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(time: i64) -> Point {
        Point { time, revision: "a".to_owned(), compliant: 1, waiting: 0, drift: 0 }
    }

    #[test]
    fn a_long_history_loses_detail_and_not_its_beginning() {
        let mut points = Vec::new();
        for time in 0..100_000 {
            points.push(point(time));
            thin(&mut points);
        }
        assert!(points.len() <= MOST && points.windows(2).all(|pair| pair[0].time < pair[1].time));
        assert!(points[0].time < 50_000 && points.last() == Some(&point(99_999)));
    }

    #[test]
    fn a_file_is_read_again_and_its_broken_lines_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.ndjson");
        let history = History::open(Some(&path)).unwrap();
        history.write(&point(1));
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{broken\n").unwrap();
        history.write(&point(2));
        assert_eq!(History::open(Some(&path)).unwrap().latest(9), [point(1), point(2)]);
    }
}
