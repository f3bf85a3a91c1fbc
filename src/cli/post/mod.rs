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
mod pull;

use jiff::Timestamp;

use super::{
    Exit, Failure, Printer,
    args::{PlaceArgs, PostArgs},
    prepare::Desk,
    workspace::{Declared, Files, Workspace},
};
use crate::{
    fleet::Finding,
    forge::{Check, Forge, ForgeError, Header, Kept, Kind, Place, State, Status, Subject},
    plan::Plan,
    report::{Findings, Report},
};
pub(crate) use approval::require as require_approved;
use body::Telling;
pub(crate) use issue::keep as keep_issue;
pub(crate) use pull::{propose, withdraw};

/// What there is to tell.
#[derive(Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) kind: Kind,
    pub(crate) fleet: &'a str,
    pub(crate) revision: &'a str,
    /// The plan that is to be approved.
    pub(crate) plan: Option<&'a Plan>,
    pub(crate) report: &'a dyn Report,
    pub(crate) state: State,
}

impl News<'_> {
    fn subject(&self, args: &PlaceArgs) -> Subject {
        let environment = args.environment.clone().unwrap_or_default();
        Subject { kind: self.kind, fleet: self.fleet.to_owned(), environment }
    }

    fn header(&self, subject: Subject, run: u64) -> Header {
        let plan = self.plan.and_then(|plan| plan.hash.clone());
        let changes = self.plan.map(approval::held).unwrap_or_default();
        // Not later than it is: the time of a merge is held against it.
        let now = Timestamp::from_second(Timestamp::now().as_second()).ok();
        Header {
            subject,
            revision: self.revision.to_owned(),
            since: now.filter(|_| plan.is_some()),
            plan,
            changes,
            run,
        }
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
    findings: &[Finding],
) -> Result<Exit, Failure> {
    // Whose findings they are is not known without it.
    let Some(fleet) = &declared.loaded.fleet else { return Ok(Exit::Findings) };
    let places = Files::new(&declared.source, desk.root);
    let documents = declared.loaded.documents as u64;
    let report = Findings { findings, waived: &[], documents, places: &places };
    let (fleet, revision) = (&fleet.name, &declared.revision);
    let news = News { kind, fleet, revision, plan: None, report: &report, state: State::Failed };
    tell(desk, workspace, args, news, Exit::Findings).await
}

/// What failed is told; it decides on the exit code where nothing else has gone wrong.
pub(crate) fn or_worse(printer: &Printer, done: Result<(), Failure>, exit: Exit) -> Result<Exit, Failure> {
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
    let (run_url, attached) = (place.run_url.as_deref(), args.attach.as_deref());
    let telling = Telling { subject: &subject, report: news.report, run_url, attached };
    files::write(&telling)?;
    if !place.has_token() && place.is_fork {
        desk.printer.warn(
            "a pull request from a fork has no token to write with: the report stands here and in the job's summary",
        );
        return Ok(());
    }
    let commit = place.commit().map_err(failed)?;
    let poster = Poster { desk, news, forge: connect(&place)?, place: &place, telling: &telling };
    let pull = match (news.kind, args.place.pull_request) {
        // What was pushed is told where it came from, whatever else the branch may be proposed for.
        (Kind::Reconcile, None) => poster.tolerate(poster.forge.merged_by(news.revision).await)?.flatten(),
        _ => place.pull,
    };
    poster.comment(pull).await?;
    poster.judge(commit, pull, &annotate::Roots::of(desk.root, workspace)).await
}

/// One piece of news on its way to one place.
struct Poster<'a> {
    desk: &'a Desk<'a>,
    news: News<'a>,
    forge: Forge,
    place: &'a Place,
    telling: &'a Telling<'a>,
}

impl Poster<'_> {
    /// The comment, where there is a pull request.
    async fn comment(&self, pull: Option<u64>) -> Result<(), Failure> {
        let printer = self.desk.printer;
        let Some(pull) = pull else {
            printer.say("no pull request belongs to this run: the commit's status alone is set");
            return Ok(());
        };
        let header = self.news.header(self.telling.subject.clone(), self.place.run);
        match self.tolerate(self.forge.keep_comment(pull, &header, self.telling).await)? {
            Some(Kept::Made(url) | Kept::Changed(url)) => printer.say(format_args!("told on {url}")),
            Some(Kept::Later(url)) => {
                printer.warn(format_args!("a later run has told more on {url}, and that stays"));
            }
            None => {}
        }
        Ok(())
    }

    /// The commit's status, and the remarks on its lines.
    async fn judge(&self, commit: &str, pull: Option<u64>, roots: &annotate::Roots) -> Result<(), Failure> {
        let News { report, state, .. } = self.news;
        let (word, sum) = report.sum();
        let (name, title) = (self.telling.subject.name(), format!("{word}: {sum}"));
        let url = self.place.run_url.as_deref();
        let status = Status { name: &name, state, description: &title, url };
        self.tolerate(self.forge.status(commit, pull, &status).await)?;
        let annotations = annotate::annotations(report, roots)?;
        let check = Check { name: &name, state, title: &title, body: self.telling, annotations: &annotations, url };
        self.tolerate(self.forge.check(commit, &check).await)?;
        Ok(())
    }

    fn tolerate<T>(&self, done: Result<T, ForgeError>) -> Result<Option<T>, Failure> {
        tolerate(self.desk.printer, done)
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
fn tolerate<T>(printer: &Printer, done: Result<T, ForgeError>) -> Result<Option<T>, Failure> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.is_read_only() => {
            let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
            let told = format!("{error}{help}; the report stands here and in the job's summary");
            printer.warn(crate::report::plain(&told));
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}
