//! The rules by which a fleet repository is checked, one a file: what each demands, why, and what to do.
//!
//! [`RULES`] is the one list: findings name its ids, reports link to it, `twinops explain --rule` prints from it, and
//! the pages in `docs/rules` are made of it. The examples of every rule are run by a test.

mod api_version;
mod bad_condition;
mod bad_date;
mod bad_device_id;
mod bad_fleet_name;
mod bad_path;
mod bad_share;
mod bad_time_zone;
mod capability_mismatch;
mod clear_text_secret;
mod component_schema;
mod doubtful_condition;
mod duplicate_device;
mod duplicate_name;
mod equal_priority_conflict;
mod expired_exemption;
mod expired_ignore;
mod hub_limit;
mod hub_limit_near;
mod invalid_merged_component;
mod invalid_reference;
mod missing_property;
mod missing_tag;
mod missing_variable;
mod no_fleet;
mod not_a_document;
mod not_allowed;
mod out_of_range;
mod page;
mod possible_secret;
mod reserved_name;
mod rollout_waves;
mod schema;
mod second_fleet;
mod selects_nothing;
#[cfg(test)]
mod tests;
mod undecidable_selector;
mod unknown_component;
mod unknown_kind;
mod unknown_property;
mod unused_approval;
mod unused_exemption;
mod unused_ignore;
mod unused_profile;
mod unused_variable;
mod waiver_expired;
mod waiver_reason;
mod waiver_refused;
mod waiver_rule;
mod waiver_syntax;
mod waiver_unused;
mod wrong_format;
mod wrong_length;
mod wrong_type;
mod yaml_alias;
mod yaml_depth;
mod yaml_digits;
mod yaml_duplicate_key;
mod yaml_key;
mod yaml_merge_key;
mod yaml_more;
mod yaml_number;
mod yaml_syntax;
mod yaml_tag;
mod yaml_text;
mod yaml_trap;

use super::finding::Severity;
use crate::component::nearest;

pub use page::pages;

/// What a finding can be about.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// In kebab case, as [`Finding::rule`](crate::fleet::Finding::rule) names it. Never changes, for waivers and other
    /// tools rest on it.
    pub id: &'static str,
    /// How bad it is at worst.
    pub severity: Severity,
    /// The last stage of a check that may find it.
    pub stage: Stage,
    /// Whether a comment in the document may waive it.
    pub waivable: bool,
    /// What holds where the rule is kept: a sentence without its capital and full stop.
    pub title: &'static str,
    /// Why it is a rule, in markdown.
    pub why: &'static str,
    /// A fleet that breaks it.
    pub breaks: Example,
    /// The same fleet, mended.
    pub holds: Example,
    /// What to do, in markdown.
    pub remedy: &'static str,
}

/// Files of a fleet, as path and text, beside a plain `fleet.yaml`. One called [`TWINS`] is a snapshot of twins.
pub type Example = &'static [(&'static str, &'static str)];

/// The snapshot of an example.
pub const TWINS: &str = "twins.ndjson";

/// How far a check has to go to find something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Looking at each document.
    Files,
    /// Resolving the devices that are declared, which begins when no document is at fault.
    Merged,
    /// Looking at live twins.
    Twins,
}

/// Every rule, in the order in which a check comes to them.
pub static RULES: &[&Rule] = &[
    &yaml_text::RULE,
    &yaml_syntax::RULE,
    &yaml_depth::RULE,
    &yaml_alias::RULE,
    &yaml_duplicate_key::RULE,
    &yaml_merge_key::RULE,
    &yaml_key::RULE,
    &yaml_tag::RULE,
    &yaml_number::RULE,
    &yaml_more::RULE,
    &yaml_trap::RULE,
    &yaml_digits::RULE,
    &not_a_document::RULE,
    &api_version::RULE,
    &unknown_kind::RULE,
    &unknown_property::RULE,
    &missing_property::RULE,
    &wrong_type::RULE,
    &not_allowed::RULE,
    &wrong_format::RULE,
    &out_of_range::RULE,
    &wrong_length::RULE,
    &schema::RULE,
    &component_schema::RULE,
    &no_fleet::RULE,
    &second_fleet::RULE,
    &duplicate_name::RULE,
    &duplicate_device::RULE,
    &bad_device_id::RULE,
    &bad_fleet_name::RULE,
    &bad_condition::RULE,
    &doubtful_condition::RULE,
    &bad_path::RULE,
    &bad_date::RULE,
    &bad_share::RULE,
    &bad_time_zone::RULE,
    &expired_ignore::RULE,
    &unused_ignore::RULE,
    &expired_exemption::RULE,
    &unused_exemption::RULE,
    &unknown_component::RULE,
    &reserved_name::RULE,
    &invalid_reference::RULE,
    &clear_text_secret::RULE,
    &possible_secret::RULE,
    &rollout_waves::RULE,
    &unused_approval::RULE,
    &unused_profile::RULE,
    &unused_variable::RULE,
    &missing_variable::RULE,
    &missing_tag::RULE,
    &equal_priority_conflict::RULE,
    &invalid_merged_component::RULE,
    &hub_limit::RULE,
    &hub_limit_near::RULE,
    &undecidable_selector::RULE,
    &selects_nothing::RULE,
    &capability_mismatch::RULE,
    &waiver_syntax::RULE,
    &waiver_reason::RULE,
    &waiver_rule::RULE,
    &waiver_refused::RULE,
    &waiver_expired::RULE,
    &waiver_unused::RULE,
];

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

/// The rule whose id is nearest to a wrong one: misspelt, or cut short.
pub fn nearest_rule(id: &str) -> Option<&'static Rule> {
    let near = nearest(id, RULES.iter().map(|rule| rule.id));
    let part = || RULES.iter().map(|rule| rule.id).find(|known| id.len() > 2 && known.contains(id));
    near.or_else(part).and_then(rule)
}
