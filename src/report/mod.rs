//! Values in, text out. Pure: a report is handed a value and a writer, and knows neither hubs nor terminals.
//!
//! One folder a value ([`Findings`], [`PlanReport`], [`StandingReport`], [`OutcomeReport`], [`ExplanationReport`],
//! [`RolloutsReport`], [`AdoptionReport`], [`RehearsalReport`]), one file a format:
//!
//! * `text` is for people at a terminal, and says the important thing last, where the cursor is;
//! * `markdown` is for a pull request, and says it first, with the rest folded away; `html` is one page with charts for a
//!   browser. Both tell the same `page::Part`s;
//! * `github`, `gitlab`, `sarif` and `junit` are for tools that show remarks beside files or tests; each [`Report`] says its
//!   [`Remark`]s once for all of them;
//! * `json` is for programs: versioned, complete, and described by [`schemas`].
//!
//! Text, markdown and pages are bounded ([`Limits`]): they fold what is alike, show samples, and count what they leave
//! out. What is posted somewhere is cut to its [`Limit`] by [`fit()`], part by part.
//! JSON leaves nothing out and is streamed. Whatever a device, a hub or a repository supplied goes through `escape`
//! on its way; a value that holds a secret is `(secret)` in every format.

mod adoption;
mod chart;
mod diff;
mod escape;
mod explanation;
mod findings;
mod fingerprint;
mod fit;
mod github;
mod gitlab;
mod json;
mod junit;
mod notices;
mod outcome;
mod page;
mod paper;
mod places;
mod plan;
mod rehearsal;
mod remark;
mod rollouts;
mod rulings;
mod sarif;
mod standing;
mod value;
mod words;

#[cfg(test)]
mod golden;

pub use adoption::{AdoptionReport, Written, message as adoption_message};
pub(crate) use diff::{Hunk, hunks};
pub(crate) use escape::{code, plain, prose};
pub use explanation::{Author, ExplanationReport};
pub use findings::Findings;
pub use fit::{Block, Fitted, Limit, Rank, fit};
pub use json::schemas;
pub use outcome::OutcomeReport;
pub use page::Part;
pub(crate) use page::fragment;
pub use paper::{Format, Limits, Paper, Report, markdown, write};
pub use places::{Location, Nowhere, Places};
pub use plan::PlanReport;
pub use rehearsal::RehearsalReport;
pub use remark::{Level, Remark};
pub use rollouts::RolloutsReport;
pub(crate) use rollouts::length as rollout_length;
pub use standing::{Earlier, EarlierError, Lens, Moment, Past, StandingReport};
pub(crate) use words::{grouped, moment, short};
