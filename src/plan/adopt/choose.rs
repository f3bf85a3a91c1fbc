//! Where each value goes: into the line that it comes from, or over it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{Adopted, Adoption, Edit, EditedTwin, Home, Left, LeftBehind, Seen, Sharing, new_file};
use crate::{
    fleet::{
        DocumentRef, Fleet, Place, Source,
        edit::{Changes, Editor, literal},
        resolve::setting,
    },
    plan::Planner,
    twin::{DeviceId, Map, PropertyPath, Section, same, set_path},
};

/// Decides for every value of these twins where it goes, and edits the files. A profile changes when every device that
/// takes the value from it holds the same one: that is one line for all. Otherwise each device gets a line of its own.
pub fn propose(planner: &Planner, twins: &[EditedTwin], sharing: &Sharing, source: &Source) -> Adoption {
    let mut desk = Desk {
        fleet: planner.fleet(),
        source,
        editors: BTreeMap::new(),
        changes: BTreeMap::new(),
        new: BTreeMap::new(),
        adoption: Adoption::default(),
    };
    let counts = sharing.counts();
    let mut by_line: BTreeMap<(&Place, &PropertyPath), Vec<(&EditedTwin, &Edit)>> = BTreeMap::new();
    for (twin, edit) in twins.iter().flat_map(|twin| twin.edits.iter().map(move |edit| (twin, edit))) {
        match (&edit.left, &edit.origin) {
            (None, Some(place)) => by_line.entry((place, &edit.path)).or_default().push((twin, edit)),
            (left, _) => desk.leave(&twin.device, &edit.path, left.clone().unwrap_or(Left::NoLine)),
        }
    }
    for ((place, path), edits) in by_line {
        desk.line(place, path, counts.get(&(place.clone(), path.clone())).copied(), &edits);
    }
    desk.finish()
}

struct Desk<'a> {
    fleet: &'a Fleet,
    source: &'a Source,
    editors: BTreeMap<Arc<str>, Option<Editor<'a>>>,
    changes: BTreeMap<Arc<str>, BTreeMap<usize, Changes>>,
    /// Overrides of devices that have no document.
    new: BTreeMap<DeviceId, Map>,
    adoption: Adoption,
}

impl Desk<'_> {
    /// Decides about all that is taken from one line. `devices` take it from there, where the line is a profile's.
    fn line(&mut self, place: &Place, path: &PropertyPath, devices: Option<u64>, edits: &[(&EditedTwin, &Edit)]) {
        let Some(profile) = self.profile(place) else {
            return edits.iter().for_each(|(twin, edit)| self.own(place, twin, edit, None));
        };
        let Some((_, first)) = edits.first() else { return };
        let is_same = |(_, edit): &&(&EditedTwin, &Edit)| match (&edit.live, &first.live) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let is_whole = devices.is_none_or(|devices| devices == edits.len() as u64);
        if !is_whole || !edits.iter().all(|edit| is_same(&edit)) {
            return edits.iter().for_each(|(twin, edit)| self.over(twin, edit, devices));
        }
        let document = DocumentRef { file: place.file.clone(), document: place.document };
        match self.change(&document, path, first.live.as_ref()) {
            Ok(()) => {
                let twins = edits.iter().map(|(twin, edit)| twin.seen(edit)).collect();
                self.adopt(Home::Profile(profile), first, place.clone(), twins, None);
            }
            Err(left) => edits.iter().for_each(|(twin, _)| self.leave(&twin.device, path, left.clone())),
        }
    }

    fn profile(&self, place: &Place) -> Option<Arc<str>> {
        let is_here = |document: &DocumentRef| document.file == place.file && document.document == place.document;
        self.fleet.profiles.iter().find(|profile| is_here(&profile.document)).map(|profile| profile.name.clone())
    }

    /// Into the device's own document, where the value stands or is to stand.
    fn own(&mut self, place: &Place, twin: &EditedTwin, edit: &Edit, shared_by: Option<u64>) {
        let document = DocumentRef { file: place.file.clone(), document: place.document };
        match self.change(&document, &edit.path, edit.live.as_ref()) {
            Ok(()) => {
                let home = Home::Device(twin.device.clone());
                self.adopt(home, edit, place.clone(), vec![twin.seen(edit)], shared_by);
            }
            Err(left) => self.leave(&twin.device, &edit.path, left),
        }
    }

    /// Over what a profile says, for one device.
    fn over(&mut self, twin: &EditedTwin, edit: &Edit, shared_by: Option<u64>) {
        if let Some(device) = self.fleet.devices.get(&twin.device) {
            let place = Place::value(&device.document.file, device.document.document, pointer(&edit.path));
            return self.own(&place, twin, edit, shared_by);
        }
        let own = self.new.entry(twin.device.clone()).or_default();
        set_path(own, &edit.path.keys, edit.live.as_ref().map_or(Value::Null, literal));
        // Which file it will be is known once all are.
        let place = Place::value(&"".into(), 0, pointer(&edit.path));
        self.adopt(Home::NewDevice(twin.device.clone()), edit, place, vec![twin.seen(edit)], shared_by);
    }

    /// Notes a change of a document, if it can be written.
    fn change(&mut self, document: &DocumentRef, path: &PropertyPath, live: Option<&Value>) -> Result<(), Left> {
        let keys = keys(path);
        let mut change = Changes::default();
        let is_said_elsewhere = self.is_said_elsewhere(document, path);
        let put = |changes: &mut Changes| match live {
            Some(value) => changes.set(&keys, value),
            // Without this line something weaker would have its way.
            None if is_said_elsewhere => changes.set(&keys, &Value::Null),
            None => changes.remove(&keys),
        };
        put(&mut change);
        let source = self.source;
        let editor = self.editors.entry(document.file.clone());
        let editor = editor.or_insert_with(|| source.file(&document.file).map(Editor::new));
        let editor = editor.as_ref().ok_or(Left::NoLine)?;
        editor.check(document.document, &change)?;
        put(self.changes.entry(document.file.clone()).or_default().entry(document.document).or_default());
        Ok(())
    }

    /// Whether a document other than this one, and no device's own, says something of the path.
    fn is_said_elsewhere(&self, document: &DocumentRef, path: &PropertyPath) -> bool {
        let mut others = self.fleet.profiles.iter().filter(|profile| profile.document != *document);
        path.section == Section::Desired && others.any(|profile| setting(&profile.desired, &path.keys).is_some())
    }

    fn adopt(&mut self, home: Home, edit: &Edit, place: Place, twins: Vec<Seen>, shared_by: Option<u64>) {
        let (path, from, to) = (edit.path.clone(), edit.wanted.clone(), edit.live.clone());
        self.adoption.adopted.push(Adopted { home, path, from, to, place, twins, shared_by });
    }

    fn leave(&mut self, device: &DeviceId, path: &PropertyPath, why: Left) {
        self.adoption.left.push(LeftBehind { device: device.clone(), path: path.clone(), why });
    }

    fn finish(mut self) -> Adoption {
        for (path, changes) in &self.changes {
            let Some(Some(editor)) = self.editors.get(path) else { continue };
            match editor.changed(changes) {
                Ok(text) => _ = self.adoption.files.insert(path.clone(), text),
                Err(why) => self.adoption.take_back(path, &why.into()),
            }
        }
        let mut taken = BTreeSet::new();
        for (device, desired) in &self.new {
            let path = new_file::path(device, self.source, &taken);
            taken.insert(path.clone());
            self.adoption.files.insert(path.clone(), new_file::text(device, desired));
            let home = Home::NewDevice(device.clone());
            let homed = self.adoption.adopted.iter_mut().filter(|adopted| adopted.home == home);
            homed.for_each(|adopted| adopted.place.file = path.clone());
        }
        let Adoption { adopted, left, .. } = &mut self.adoption;
        adopted.sort_by(|a, b| (&a.place.file, &a.home, &a.path).cmp(&(&b.place.file, &b.home, &b.path)));
        left.sort_by(|a, b| (&a.path, &a.device).cmp(&(&b.path, &b.device)));
        self.adoption
    }
}

impl Adoption {
    /// Values that could be written one by one, and not together.
    fn take_back(&mut self, file: &Arc<str>, why: &Left) {
        let (gone, kept) = std::mem::take(&mut self.adopted).into_iter().partition(|a: &Adopted| a.place.file == *file);
        self.adopted = kept;
        for adopted in gone {
            let left = |seen: Seen| LeftBehind { device: seen.device, path: adopted.path.clone(), why: why.clone() };
            self.left.extend(adopted.twins.into_iter().map(left));
        }
    }
}

/// The keys of a path in its document.
fn keys(path: &PropertyPath) -> Vec<&str> {
    let section = if path.section == Section::Tags { "tags" } else { "desired" };
    ["spec", section].into_iter().chain(path.keys.iter().map(|key| &**key)).collect()
}

fn pointer(path: &PropertyPath) -> String {
    keys(path).iter().fold(String::new(), |pointer, key| pointer + "/" + &key.replace('~', "~0").replace('/', "~1"))
}
