//! One issue for what is wrong with a fleet, as long as it is.

use super::{News, body::Telling, connect, find, or_worse, tolerate};
use crate::{
    cli::{Exit, Failure, args::PlaceArgs, prepare::Desk},
    forge::IssueState,
};

/// Keeps the issue up to date, opens one when there is something to say and none is open, and closes it when there is
/// nothing any more.
pub(crate) async fn keep(
    desk: &Desk<'_>,
    args: &PlaceArgs,
    news: News<'_>,
    is_open: bool,
    exit: Exit,
) -> Result<Exit, Failure> {
    or_worse(desk.printer, write(desk, args, news, is_open).await, exit)
}

async fn write(desk: &Desk<'_>, args: &PlaceArgs, news: News<'_>, is_open: bool) -> Result<(), Failure> {
    let place = find(args)?;
    let forge = connect(&place)?;
    let subject = news.subject(args);
    let body = Telling { subject: &subject, report: news.report, run_url: place.run_url.as_deref(), attached: None };
    let title = format!("twinops {}", subject.name());
    let header = news.header(subject.clone(), place.run);
    let printer = desk.printer;
    match tolerate(printer, forge.keep_issue(&header, &title, &body, is_open).await)? {
        Some(IssueState::Opened(url)) => printer.say(format_args!("opened {url}")),
        Some(IssueState::Changed(url)) => printer.say(format_args!("told in {url}")),
        Some(IssueState::Closed(url)) => printer.say(format_args!("closed {url}")),
        Some(IssueState::Later(url)) => {
            printer.warn(format_args!("a later run has told more in {url}, and that stays"));
        }
        Some(IssueState::None) | None => {}
    }
    Ok(())
}
