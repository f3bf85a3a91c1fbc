//! Six revisions of one small fleet: values come, change and go, selectors reach other devices, and a component that
//! devices read whole loses a member.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use twinops::{
    fleet::{
        self, Source, SourceFile,
        resolve::{Resolver, Secrets},
    },
    plan::{Bases, Planner},
};

/// The fleet's name: where its marker lies.
pub(super) const NAME: &str = "sim";
/// How many revisions there are.
pub(super) const REVISIONS: usize = 6;
/// Devices that have documents; all but the last are registered when the hub does not know them.
const DECLARED: usize = 3;

/// All revisions, read once.
#[derive(Clone)]
pub(super) struct History(Arc<HashMap<String, Arc<Resolver>>>);

impl Bases for History {
    fn base(&self, revision: &str) -> Option<Arc<Resolver>> {
        self.0.get(revision).cloned()
    }
}

impl History {
    pub(super) fn read() -> Self {
        Self(Arc::new((0..REVISIONS).map(|at| (name(at), resolver(at))).collect()))
    }

    pub(super) fn resolver(&self, at: usize) -> &Arc<Resolver> {
        &self.0[&name(at)]
    }

    /// A planner of its own, as every process has.
    pub(super) fn planner(&self, at: usize) -> Arc<Planner> {
        let today = jiff::civil::date(2026, 1, 1);
        Arc::new(Planner::new(self.resolver(at).clone(), &name(at), Box::new(self.clone()), today))
    }
}

/// A revision's id.
fn name(at: usize) -> String {
    format!("{at}").repeat(40)
}

fn resolver(at: usize) -> Arc<Resolver> {
    let file = SourceFile { path: "fleet.yaml".into(), text: documents(at).into_bytes().into() };
    let loaded = fleet::load(&Source::from_files([file]));
    assert!(loaded.is_sound(), "{:?}", loaded.findings);
    Arc::new(Resolver::new(loaded.fleet.unwrap(), loaded.registry, Secrets::none()))
}

fn documents(at: usize) -> String {
    let mut text = format!(
        "apiVersion: twinops/v1\nkind: Fleet\nmetadata: {{ name: {NAME} }}\n---\n\
         apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: base }}\nspec:\n  desired:\n    \
         app: {{ level: {at}, {} fixed: true }}\n    windowsUpdate: {{ allowAutoUpdate: 3{} }}\n---\n\
         apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: kiosk }}\nspec:\n  where: {}\n  priority: 10\n  \
         desired:\n    sign: {{ text: \"{} in ${{tags.site}}\" }}\n    app: {{ level: {} }}\n",
        ["", "extra: { a: 1, b: [1, 2] },", "extra: { a: null },"][at % 3],
        if at.is_multiple_of(2) { format!(", scheduledInstallDay: {}", at % 5 + 1) } else { String::new() },
        if at < 3 { "tags.role = 'kiosk'" } else { "tags.site = 'oslo'" },
        ["welcome", "willkommen"][at / 2 % 2],
        at + 100,
    );
    for device in 0..DECLARED {
        let identity = if device + 1 < DECLARED { "identity: { type: sas }, " } else { "" };
        // One role is declared by some revisions alone: it goes, and comes back.
        let role = if at.is_multiple_of(3) { "" } else { "role: kiosk, " };
        let _a_string_takes_all = write!(
            text,
            "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: d{device} }}\nspec: {{ {identity}tags: {{ \
             {role}site: oslo }}, desired: {{ app: {{ own: {device} }} }} }}\n"
        );
    }
    text
}
