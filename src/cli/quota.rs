//! How much of the hub's throttles a command may take.

use super::{Failure, args::Share};
use crate::{
    fleet::Fleet,
    plan::quota::{Throttles, USUAL_SHARE},
};

/// The share of the throttles of the hub that a fleet declares; `None` where it declares no edition.
///
/// # Errors
/// When a share was asked for of throttles that nobody knows, or nothing of them.
pub(crate) fn throttles(fleet: &Fleet, share: Option<Share>) -> Result<Option<Throttles>, Failure> {
    if share.is_some_and(|Share(share)| share <= 0.0) {
        return Err(Failure::usage("with a share of 0% nothing could ever be sent"));
    }
    match (Throttles::of(fleet.spec.hub.as_ref()), share) {
        (Some(throttles), share) => Ok(Some(throttles.at(share.map_or(USUAL_SHARE, |Share(share)| share)))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::usage("`--share` is one of throttles that are not known").help(
            "declare the edition of the hub: `spec.hub.sku` and `spec.hub.units`; a hub of your own has no throttles",
        )),
    }
}
