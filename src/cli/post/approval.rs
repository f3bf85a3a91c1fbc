//! Whether the plan that is about to be carried out is the one that was approved.

use super::{connect, failed, find};
use crate::{
    cli::{Exit, Failure, args::PlaceArgs},
    forge::{Approval, Kind, NotApproved, Subject},
    plan::Plan,
};

/// The plan is not the approved one.
#[derive(Debug, thiserror::Error)]
enum Unapproved {
    #[error("this plan is {now}, and pull request {pull} was merged with {approved}")]
    Another { now: String, approved: String, pull: u64 },
    #[error("this plan is {now}, and nobody has approved it")]
    None {
        now: String,
        #[source]
        cause: NotApproved,
    },
}

/// Refuses a plan that is not the one in the comment of the pull request that brought its commit. One that writes nothing
/// needs nobody's approval.
///
/// # Errors
/// When it is another one, none was approved, or the forge does not tell.
pub(crate) async fn require(args: &PlaceArgs, plan: &Plan) -> Result<(), Failure> {
    if plan.groups.is_empty() {
        return Ok(());
    }
    let place = find(args)?;
    let environment = args.environment.clone().unwrap_or_default();
    let subject = Subject { kind: Kind::Plan, fleet: plan.fleet.clone(), environment };
    // What is planned is asked about, whatever the job was started for.
    let approval = connect(&place)?.approved_plan(&plan.revision, &subject).await.map_err(failed)?;
    let now = plan.hash.clone().unwrap_or_default();
    let (error, help) = match approval {
        Approval::Plan { hash, .. } if hash == now => return Ok(()),
        Approval::Plan { hash, pull } => (
            Unapproved::Another { now, approved: hash, pull },
            "the twins, or what is declared, have changed since; nothing was written. Have the plan above approved: open a \
             pull request, or run without --require-approved-plan",
        ),
        Approval::None(cause) => (
            Unapproved::None { now, cause },
            "nothing was written. `twinops plan --post` in the pull request writes the plan there before it is merged",
        ),
    };
    Err(Failure::new(Exit::Stale, error).help(help))
}
