//! Which devices get a value from a profile: a cover of those that have it, by short conditions over their tags.
//!
//! Values are taken by the number of their devices, the most common first. For each, a condition grows tag by tag as
//! long as it gains: devices that it gives their value, less those that it takes it from. The few that come out wrong
//! are mended by stronger profiles, or by their own documents.

use std::collections::BTreeMap;

use super::{
    selector::Selector,
    tags::Cohorts,
    units::{ANY, BARRED, Group, NONE},
};

/// More than all devices together: what must not happen.
const NEVER: i64 = -1_000_000_000_000;
/// What a device weighs that gets its value. One that a `null` has to be written for weighs more: it forbids what was
/// only not there. One that another value is yet to be found for weighs a little: of two conditions that fit, the one
/// that hits fewer others is meant.
const HIT: i64 = 16;
const NULL: i64 = 4 * HIT;
const STRAY: i64 = 2;
/// Bytes of a profile's document without its values, and of an override in a device's.
const PROFILE: i64 = 120;
const OVERRIDE: i64 = 60;
/// Most equalities in a condition.
const TERMS: usize = 4;
/// Most values that conditions are sought for, and most conditions for one value.
const VALUES: usize = 256;
const CONDITIONS: usize = 128;
/// Steps after which no more conditions are sought for a group: what is left becomes overrides.
const STEPS: usize = 200_000_000;

/// A condition, and the class whose values its devices get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) selector: Selector,
    pub(super) class: u32,
}

/// How many devices of a cohort have a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) cohort: u32,
    pub(super) form: u32,
    pub(super) devices: u32,
}

/// The rules for a group; `bytes` is what the values of a class take.
pub(super) fn rules(group: &Group, cohorts: &Cohorts, shares: &[Share], bytes: impl Fn(u32) -> usize) -> Vec<Rule> {
    let mut search = Search::new(group, cohorts, shares);
    let mut rules = Vec::new();
    for class in search.common() {
        let bytes = i64::try_from(bytes(class)).unwrap_or(i64::MAX / 64);
        let mut own: Vec<Rule> = Vec::new();
        while own.len() < CONDITIONS && search.steps < STEPS {
            let (selector, gain) = search.best(class);
            if gain.saturating_mul(bytes + OVERRIDE) <= (bytes + PROFILE) * HIT {
                break;
            }
            search.set(&selector, class);
            own.push(Rule { selector, class });
        }
        rules.extend(merged(own));
    }
    rules
}

/// Rules of one class that differ in the values of one tag only are one.
fn merged(mut rules: Vec<Rule>) -> Vec<Rule> {
    let mut at = 0;
    while at < rules.len() {
        let partner =
            (at + 1..rules.len()).find_map(|other| Some((other, rules[at].selector.or(&rules[other].selector)?)));
        match partner {
            Some((other, both)) => {
                rules[at].selector = both;
                rules.remove(other);
            }
            None => at += 1,
        }
    }
    rules
}

/// The devices of a group by cohort and class, and what the rules so far give them.
struct Search<'g> {
    cohorts: &'g Cohorts,
    exact: bool,
    /// Devices of each class in each cohort.
    counts: Vec<BTreeMap<u32, i64>>,
    /// The class that each cohort gets.
    given: Vec<u32>,
    steps: usize,
}

impl<'g> Search<'g> {
    fn new(group: &Group, cohorts: &'g Cohorts, shares: &[Share]) -> Self {
        let mut counts: Vec<BTreeMap<u32, i64>> = vec![BTreeMap::new(); cohorts.rows.len()];
        for share in shares {
            let class = group.classes[share.form as usize];
            *counts[share.cohort as usize].entry(class).or_default() += i64::from(share.devices);
        }
        Self { cohorts, exact: group.exact, counts, given: vec![NONE; cohorts.rows.len()], steps: 0 }
    }

    /// The classes worth a search, the most common first.
    fn common(&self) -> Vec<u32> {
        let mut totals: BTreeMap<u32, i64> = BTreeMap::new();
        for (class, count) in self.counts.iter().flatten() {
            *totals.entry(*class).or_default() += count;
        }
        let mut classes: Vec<(i64, u32)> = totals
            .into_iter()
            .filter(|(class, count)| !matches!(*class, NONE | ANY | BARRED) && *count > 1)
            .map(|(class, count)| (-count, class))
            .collect();
        classes.sort_unstable();
        classes.into_iter().take(VALUES).map(|(_, class)| class).collect()
    }

    /// What is gained when a cohort gets the values of a class.
    fn gain(&self, cohort: usize, class: u32) -> i64 {
        let counts = &self.counts[cohort];
        let count = |class: u32| counts.get(&class).copied().unwrap_or_default();
        let now = self.given[cohort];
        if counts.contains_key(&BARRED) {
            return NEVER;
        }
        if self.exact {
            return if counts.keys().all(|other| *other == class) { HIT * count(class) } else { NEVER };
        }
        match now {
            now if now == class => 0,
            NONE => {
                let settled = count(class) + count(NONE) + count(ANY);
                HIT * count(class) - NULL * count(NONE) - STRAY * (counts.values().sum::<i64>() - settled)
            }
            now => HIT * (count(class) - count(now)),
        }
    }

    /// The condition that gains most for a class, as far as one step after the other finds it.
    fn best(&mut self, class: u32) -> (Selector, i64) {
        let gains: Vec<i64> = (0..self.given.len()).map(|cohort| self.gain(cohort, class)).collect();
        let wanted: Vec<bool> = gains.iter().map(|gain| *gain > 0).collect();
        let mut selector = Selector::default();
        let mut inside: Vec<usize> = (0..gains.len()).collect();
        let mut gain: i64 = gains.iter().sum();
        self.steps += gains.len();
        while selector.0.len() < TERMS {
            let Some((key, literal, better)) = self.step(&selector, &inside, &gains, &wanted) else { break };
            if better <= gain {
                break;
            }
            (selector, gain) = (selector.and(key, literal), better);
            inside.retain(|cohort| self.cohorts.rows[*cohort][key] == Some(literal));
        }
        self.pruned(selector, gain, &gains)
    }

    /// The equality that gains most on top of a condition; of equals the tag of fewest values.
    fn step(
        &mut self,
        so_far: &Selector,
        inside: &[usize],
        gains: &[i64],
        wanted: &[bool],
    ) -> Option<(usize, u32, i64)> {
        let mut best: Option<(usize, u32, i64)> = None;
        for key in (0..self.cohorts.keys.len()).filter(|key| so_far.0.iter().all(|(used, _)| used != key)) {
            let mut sums: BTreeMap<u32, (i64, bool)> = BTreeMap::new();
            for cohort in inside {
                if let Some(literal) = self.cohorts.rows[*cohort][key] {
                    let (sum, any) = sums.entry(literal).or_default();
                    *sum += gains[*cohort];
                    *any |= wanted[*cohort];
                }
            }
            self.steps += inside.len();
            let found = sums.into_iter().filter(|(_, (_, any))| *any).map(|(literal, (sum, _))| (literal, sum));
            let top = found.max_by_key(|(literal, sum)| (*sum, std::cmp::Reverse(*literal)));
            if let Some((literal, sum)) = top
                && best.is_none_or(|(_, _, least)| sum > least)
            {
                best = Some((key, literal, sum));
            }
        }
        best
    }

    /// Without the equalities that turned out to be of no use.
    fn pruned(&mut self, mut selector: Selector, mut gain: i64, gains: &[i64]) -> (Selector, i64) {
        let mut at = 0;
        while at < selector.0.len() {
            let shorter = selector.without(at);
            let sum = self.sum(&shorter, gains);
            if sum >= gain {
                (selector, gain) = (shorter, sum);
                at = 0;
            } else {
                at += 1;
            }
        }
        (selector, gain)
    }

    fn sum(&mut self, selector: &Selector, gains: &[i64]) -> i64 {
        self.steps += gains.len();
        let rows = self.cohorts.rows.iter().zip(gains);
        rows.filter(|(row, _)| selector.matches(row)).map(|(_, gain)| gain).sum()
    }

    fn set(&mut self, selector: &Selector, class: u32) {
        for (row, given) in self.cohorts.rows.iter().zip(&mut self.given) {
            if selector.matches(row) {
                *given = class;
            }
        }
    }
}
