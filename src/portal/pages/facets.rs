//! What devices can be told apart by, as links: how many there are of each, and which are asked for.

use std::collections::BTreeMap;

use crate::{
    plan::Verdict,
    portal::{
        asked::Asked,
        model::{Counts, Filter, Model, Names, stands, word},
    },
    report::{grouped, short},
};

/// Values of one kind that are shown.
const SHOWN: usize = 12;

/// One kind of thing that devices are told apart by.
pub(super) struct Facet {
    pub(super) name: String,
    /// Whether the values are verdicts, which have colours.
    pub(super) verdicts: bool,
    pub(super) choices: Vec<Choice>,
    /// Values that are not shown.
    pub(super) more: usize,
}

/// One value.
pub(super) struct Choice {
    pub(super) word: String,
    pub(super) devices: String,
    /// Where it is asked for; where it is no longer, if it is already.
    pub(super) link: String,
    pub(super) chosen: bool,
}

/// What an address asks for; nothing that the model has no devices of takes any.
pub(super) fn filter(model: &Model, asked: &Asked) -> Filter {
    let shared = &model.shared;
    let number = |names: &Names, name: &str| asked.get(name).map(|word| names.find(word).unwrap_or(u16::MAX));
    let mut filter = Filter {
        stand: asked.get("verdict").and_then(|wanted| stands().find(|stand| word(*stand) == wanted)),
        drift: asked.get("verdict") == Some("drift"),
        connected: asked.get("connected").map(|word| word == "yes"),
        revision: number(&shared.revisions, "revision"),
        wave: number(&shared.waves, "wave"),
        component: number(&shared.components, "component").map(|number| u8::try_from(number).unwrap_or(63).min(63)),
        prefix: asked.get("id").unwrap_or_default().to_owned(),
        ..Filter::default()
    };
    for (wanted, (path, names)) in filter.facets.iter_mut().zip(&shared.facets) {
        *wanted = number(names, &path.to_string());
    }
    filter
}

/// All facets of a page of devices.
pub(super) fn of_devices(model: &Model, asked: &Asked, counts: &Counts) -> Vec<Facet> {
    let maker = Maker { page: "/devices", asked };
    let verdicts = stands().map(|stand| (word(stand).to_owned(), word(stand).to_owned(), counts.stand(stand)));
    let mut facets = vec![Facet { verdicts: true, ..maker.facet("verdict", "Verdict", verdicts.collect()) }];
    let reach = [("yes", "connected", counts.connected), ("no", "not connected", counts.devices - counts.connected)];
    let reach = reach.map(|(value, word, devices)| (value.to_owned(), word.to_owned(), devices));
    facets.push(maker.facet("connected", "Connection", reach.into()));
    facets.extend(maker.tags(model, counts));
    if !model.rollouts.is_empty() {
        let waves = sums(&counts.waves).collect();
        facets.push(maker.facet("wave", "Wave", named(&model.shared.waves, waves, |word| word)));
    }
    let revisions = sums(&counts.revisions).collect();
    facets.push(maker.facet("revision", "Revision", named(&model.shared.revisions, revisions, short)));
    facets
}

/// All facets of the page of what has drifted.
pub(super) fn of_drift(model: &Model, asked: &Asked, counts: &Counts) -> Vec<Facet> {
    let maker = Maker { page: "/drift", asked };
    let drifting = stands().flatten().filter(|verdict| verdict.is_drift());
    let verdicts = drifting
        .map(|verdict: Verdict| (verdict.word().to_owned(), verdict.word().to_owned(), counts.stand(Some(verdict))));
    let mut facets = vec![Facet { verdicts: true, ..maker.facet("verdict", "Verdict", verdicts.collect()) }];
    let components = counts.components.iter().map(|(bit, stands)| (u16::from(*bit), stands.values().sum()));
    let components = named(&model.shared.components, components.collect(), |word| word);
    facets.push(maker.facet("component", "Component", components));
    facets.extend(maker.tags(model, counts));
    facets
}

fn sums(counts: &BTreeMap<u16, crate::portal::model::ByStand>) -> impl Iterator<Item = (u16, u64)> {
    counts.iter().map(|(number, stands)| (*number, stands.values().sum()))
}

/// Value, word and number of devices.
type Values = Vec<(String, String, u64)>;

fn named(names: &Names, counts: Vec<(u16, u64)>, shown: impl Fn(&str) -> &str) -> Values {
    let one = |(number, devices)| {
        let word = names.word(number);
        (word.to_string(), shown(&word).to_owned(), devices)
    };
    counts.into_iter().map(one).collect()
}

struct Maker<'a> {
    page: &'static str,
    asked: &'a Asked,
}

impl Maker<'_> {
    fn tags(&self, model: &Model, counts: &Counts) -> Vec<Facet> {
        let tags = model.shared.facets.iter().zip(&counts.facets);
        let facet = |((path, names), counts): (&(crate::twin::PropertyPath, Names), &BTreeMap<u16, u64>)| {
            let values = counts.iter().map(|(number, devices)| (*number, *devices)).collect();
            let name = path.to_string();
            self.facet(&name, &name, named(names, values, |word| word))
        };
        tags.map(facet).collect()
    }

    fn facet(&self, query: &str, name: &str, mut values: Values) -> Facet {
        let chosen = self.asked.get(query);
        values.retain(|(value, _, devices)| *devices > 0 || chosen == Some(value));
        if query != "verdict" {
            values.sort_by(|a, b| (b.2, &a.1).cmp(&(a.2, &b.1)));
        }
        let more = values.len().saturating_sub(SHOWN);
        let choice = |(value, word, devices): (String, String, u64)| {
            let chosen = chosen == Some(&*value);
            let link = self.asked.with(self.page, query, (!chosen).then_some(&value));
            Choice { word, devices: grouped(devices), link, chosen }
        };
        let choices = values.into_iter().take(SHOWN).map(choice).collect();
        Facet { name: name.to_owned(), verdicts: false, choices, more }
    }
}
