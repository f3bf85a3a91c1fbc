//! One pull request for what was adopted, as long as it waits to be merged.

use super::{body::Telling, connect, find, tolerate};
use crate::{
    cli::{Failure, args::PlaceArgs, prepare::Desk},
    forge::{Kind, Subject},
    report::AdoptionReport,
};

/// Opens a pull request for a branch that was pushed, or brings the open one up to date.
pub(crate) async fn propose(
    desk: &Desk<'_>,
    args: &PlaceArgs,
    branch: &str,
    title: &str,
    report: &AdoptionReport<'_>,
) -> Result<(), Failure> {
    let place = find(args)?;
    let environment = args.environment.clone().unwrap_or_default();
    let subject = Subject { kind: Kind::Drift, fleet: report.fleet.to_owned(), environment };
    let body = Telling { subject: &subject, report, run_url: place.run_url.as_deref(), attached: None };
    let forge = connect(&place)?;
    let told = forge.open_or_update_pull_request(branch, None, title, &body).await;
    if let Some(url) = tolerate(desk.printer, told)? {
        desk.printer.say(format_args!("proposed in {url}"));
    }
    Ok(())
}

/// Closes the pull request for a branch, if one is open: there is nothing to adopt any more.
pub(crate) async fn withdraw(desk: &Desk<'_>, args: &PlaceArgs, branch: &str) -> Result<(), Failure> {
    let forge = connect(&find(args)?)?;
    if let Some(Some(url)) = tolerate(desk.printer, forge.close_pull_request(branch).await)? {
        desk.printer.say(format_args!("closed {url}"));
    }
    Ok(())
}
