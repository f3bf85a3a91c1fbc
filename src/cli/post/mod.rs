//! Telling a result on a forge as well: after it was printed, so that it is there whatever becomes of this.
//!
//! A token that may only read, as pull requests from forks have it, is no failure: the report stands in the job's summary
//! and on stdout, and the command's own exit code says the rest. All else that keeps a result from being told fails a
//! command that has nothing worse to say.

mod annotate;
mod approval;
mod body;
mod files;
mod issue;

use jiff::Timestamp;

use super::{
    Exit, Failure, Printer,
    args::{PlaceArgs, PostArgs},
    prepare::Desk,
    workspace::{Declared, Files, Workspace},
};
use crate::{
    forge::{Check, Forge, ForgeError, Header, Kept, Kind, Place, State, Status, Subject},
    report::{Findings, Report},
};
pub(crate) use approval::require as require_approved;
use body::Telling;
pub(crate) use issue::keep as keep_issue;

/// What there is to tell.
#[derive(Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) kind: Kind,
    pub(crate) fleet: &'a str,
    pub(crate) revision: &'a str,
    /// The plan's hash.
    pub(crate) plan: Option<&'a str>,
    pub(crate) report: &'a dyn Report,
    pub(crate) state: State,
}

impl News<'_> {
    fn subject(&self, args: &PlaceArgs) -> Subject {
        let environment = args.environment.clone().unwrap_or_default();
        Subject { kind: self.kind, fleet: self.fleet.to_owned(), environment }
    }

    fn header(&self, subject: Subject, run: u64) -> Header {
        let plan = self.plan.map(str::to_owned);
        // Not later than it is: the time of a merge is held against it.
        let now = Timestamp::from_second(Timestamp::now().as_second()).ok();
        Header { subject, revision: self.revision.to_owned(), since: now.filter(|_| plan.is_some()), plan, run }
    }
}

/// A word for how a command ended.
pub(crate) const fn state_of(exit: Exit) -> State {
    match exit {
        Exit::Done | Exit::Changes => State::Passed,
        Exit::Gate => State::Waiting,
        _ => State::Failed,
    }
}

/// Tells news on the forge if that is asked for; the exit code of a command that would end with `exit`.
pub(crate) async fn tell(
    desk: &Desk<'_>,
    workspace: &Workspace,
    args: &PostArgs,
    news: News<'_>,
    exit: Exit,
) -> Result<Exit, Failure> {
    if !args.post {
        return Ok(exit);
    }
    let told = post(desk, workspace, args, news).await;
    or_worse(desk.printer, told, exit)
}

/// Tells that findings stand in the way: what was told before is not left standing as if it still held.
pub(crate) async fn findings(
    desk: &Desk<'_>,
    workspace: &Workspace,
    args: &PostArgs,
    kind: Kind,
    declared: &Declared,
) -> Result<Exit, Failure> {
    // Whose findings they are is not known without it.
    let Some(fleet) = &declared.loaded.fleet else { return Ok(Exit::Findings) };
    let places = Files::new(&declared.source, desk.root);
    let (findings, documents) = (&declared.loaded.findings, declared.loaded.documents as u64);
    let report = Findings { findings, waived: &[], documents, places: &places };
    let (fleet, revision) = (&fleet.name, &declared.revision);
    let news = News { kind, fleet, revision, plan: None, report: &report, state: State::Failed };
    tell(desk, workspace, args, news, Exit::Findings).await
}

/// What failed is told; it decides on the exit code where nothing else has gone wrong.
fn or_worse(printer: &Printer, done: Result<(), Failure>, exit: Exit) -> Result<Exit, Failure> {
    match done {
        Ok(()) => Ok(exit),
        Err(failure) if matches!(exit, Exit::Done | Exit::Changes) => Err(failure),
        Err(failure) => {
            printer.failure(&failure);
            Ok(exit)
        }
    }
}

async fn post(desk: &Desk<'_>, workspace: &Workspace, args: &PostArgs, news: News<'_>) -> Result<(), Failure> {
    let place = find(&args.place)?;
    let subject = news.subject(&args.place);
    let telling = Telling {
        subject: &subject,
        report: news.report,
        run_url: place.run_url.as_deref(),
        attached: args.attach.as_deref(),
    };
    files::write(&telling)?;
    if !place.has_token() && place.is_fork {
        let words =
            "a pull request from a fork has no token to write with: the report stands here and in the job's summary";
        desk.printer.warn(words);
        return Ok(());
    }
    let forge = connect(&place)?;
    let tolerant = Tolerant(desk.printer);
    let commit = place.commit().map_err(failed)?;
    let pull = match (news.kind, args.place.pull_request) {
        // What was pushed is told where it came from, whatever else the branch may be proposed for.
        (Kind::Reconcile, None) => tolerant.take(forge.merged_by(news.revision).await)?.flatten(),
        _ => place.pull,
    };
    if let Some(pull) = pull {
        let header = news.header(subject.clone(), place.run);
        let kept = tolerant.take(forge.keep_comment(pull, &header, &telling).await)?;
        say(desk.printer, kept);
    } else {
        desk.printer.say("no pull request belongs to this run: the commit's status alone is set");
    }
    let (word, sum) = news.report.sum();
    let (name, description) = (subject.name(), format!("{word}: {sum}"));
    let url = place.run_url.as_deref();
    let status = Status { name: &name, state: news.state, description: &description, url };
    tolerant.take(forge.status(commit, pull, &status).await)?;
    let annotations = annotate::annotations(news.report, &annotate::Roots::of(desk.root, workspace))?;
    let check =
        Check { name: &name, state: news.state, title: &description, body: &telling, annotations: &annotations, url };
    tolerant.take(forge.check(commit, &check).await)?;
    Ok(())
}

fn say(printer: &Printer, kept: Option<Kept>) {
    match kept {
        Some(Kept::Made(url) | Kept::Changed(url)) => printer.say(format_args!("told on {url}")),
        Some(Kept::Later(url)) => printer.warn(format_args!("a later run has told more on {url}, and that stays")),
        None => {}
    }
}

/// The place, by the arguments and the variables of this process.
pub(crate) fn find(args: &PlaceArgs) -> Result<Place, Failure> {
    Place::find(&|name| std::env::var(name).ok(), args.wishes()).map_err(failed)
}

pub(crate) fn connect(place: &Place) -> Result<Forge, Failure> {
    Forge::connect(place).map_err(failed)
}

/// What a forge did not do, as people are told.
pub(crate) fn failed(error: ForgeError) -> Failure {
    let help = error.help();
    let usage = matches!(error, ForgeError::NoForge | ForgeError::Unknown { .. });
    let failure = if usage { Failure::new(Exit::Usage, error) } else { Failure::from(error) };
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Takes it that a token may only read.
struct Tolerant<'a>(&'a Printer);

impl Tolerant<'_> {
    fn take<T>(&self, done: Result<T, ForgeError>) -> Result<Option<T>, Failure> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.is_read_only() => {
                let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
                self.0.warn(crate::report::plain(&format!(
                    "{error}{help}; the report stands here and in the job's summary"
                )));
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }
}
