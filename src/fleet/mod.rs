//! The fleet: from YAML to what every device should be. Pure; files come in as a [`Source`].
//!
//! One walk: `source` holds the files as read; `yaml` turns text into JSON values and refuses what YAML lets slip;
//! `schema` checks their shape; `model` gives them types; `check` looks at the whole; `resolve` merges profiles and
//! overrides into one [`Wanted`] per class of devices. A [`Finding`] points at a path inside a document; only `locate`
//! turns that into file, line and column; [`edit`] changes values where they stand. [`rule`] says of every rule what it demands and why; a `waiver` takes one back
//! at one place; [`Validation`] is all of it together, as `twinops validate` tells it.

mod check;
mod document;
pub mod edit;
mod explain;
mod finding;
mod keep;
mod kind;
mod load;
mod locate;
mod model;
mod model_guard;
mod model_rollout;
mod narrow;
mod order;
pub mod resolve;
mod rollout;
pub mod rule;
mod schema;
mod schema_files;
mod site;
mod source;
mod validate;
mod waiver;
mod wanted;
mod yaml;

pub use explain::Fault;
pub use finding::{Finding, Place, Severity, Target};
pub use keep::{Checked, ContentId, Kept, Listed, Save, check_again};
pub use kind::{API_VERSION, Kind, schema};
pub use load::{Loaded, load};
pub use locate::{Location, Locator};
pub use model::{
    Device, DeviceSpec, DocumentRef, Fleet, FleetSpec, HubSpec, IdentityKind, IdentitySpec, IgnoreSpec, Profile,
    ProfileSpec, SecretSource, Sku,
};
pub use model_guard::{ExemptionSpec, GuardName, GuardSpec};
pub use model_rollout::{
    ApprovalSpec, Day, GateOf, GateSpec, OnFailure, RolloutSpec, WaveApproval, WaveSpec, WindowSpec,
};
pub use order::in_order;
pub use rollout::{Approval, Gate, Rollout, Wave, Window, Zone};
pub use schema::{Components, check_once};
pub use schema_files::schema_files;
pub use source::{Entry, FileKind, Source, SourceError, SourceFile, Stamp};
pub use validate::Validation;
pub use waiver::{Waived, Waivers};
pub use wanted::Wanted;
pub(crate) use yaml::write as written;
