//! What all pages share: the frame around them, and words for times and numbers.

use askama::Template;
use axum::response::Html;
use jiff::Timestamp;

use super::{Portal, asked::address, assets, error::PageError, session::Session};
use crate::report::{grouped, moment, short};

/// The frame around a page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    /// The part of the portal that it belongs to.
    pub(super) part: &'static str,
    /// Its own address, by which its numbers are read again.
    pub(super) here: String,
    pub(super) fleet: String,
    pub(super) hub: String,
    pub(super) revision: String,
    /// When the numbers are from.
    pub(super) taken: Option<Time>,
    pub(super) trouble: Option<String>,
    pub(super) csrf: String,
    pub(super) role: &'static str,
}

/// A time, for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Time {
    /// RFC 3339.
    pub(super) stamp: String,
    /// `12 s ago`.
    pub(super) ago: String,
}

/// The frame of a page without anybody signed in.
#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    title: &'a str,
    message: &'a str,
    help: &'a str,
    /// Where to go, and what that is called.
    link: (&'a str, &'a str),
}

impl Frame {
    /// For a page at `here`.
    pub(super) fn new(portal: &Portal, session: &Session, part: &'static str, title: &str, here: String) -> Self {
        let model = portal.model();
        let model = model.as_deref();
        Self {
            title: title.to_owned(),
            part,
            here,
            fleet: model.map(|model| model.declared.planner.fleet().name.clone()).unwrap_or_default(),
            hub: portal.name.clone(),
            revision: model.map(|model| short(model.revision()).to_owned()).unwrap_or_default(),
            taken: model.map(|model| Time::of(model.taken)),
            trouble: portal.troubled().clone(),
            csrf: session.csrf.clone(),
            role: session.role.word(),
        }
    }

    /// The address of a style sheet or a script.
    #[expect(clippy::unused_self, reason = "templates call it on what they have")]
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

impl Notice<'_> {
    #[expect(clippy::unused_self, reason = "templates call it on what they have")]
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

impl Time {
    pub(super) fn of(time: Timestamp) -> Self {
        let seconds = Timestamp::now().as_second() - time.as_second();
        Self { stamp: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), ago: ago(seconds) }
    }

    /// Of a hub's time; nothing where it does not know one.
    pub(super) fn parse(time: &str) -> Option<Self> {
        moment(time)?.parse().ok().map(Self::of)
    }

    /// Of seconds since 1970; 0 stands for none.
    pub(super) fn of_seconds(seconds: u32) -> Option<Self> {
        Timestamp::from_second(seconds.into()).ok().filter(|_| seconds > 0).map(Self::of)
    }
}

fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", grouped(u64::try_from(seconds / 86_400).unwrap_or(0))),
    }
}

/// A page's text.
pub(super) fn html(page: &impl Template) -> Result<Html<String>, PageError> {
    Ok(Html(page.render()?))
}

/// A page that only says something.
pub(super) fn notice(title: &str, message: &str) -> String {
    said(title, message, "", ("/", "Go to the fleet"))
}

/// How to sign in, for somebody who came for the page at `back`.
pub(super) fn sign_in(portal: &Portal, back: &str) -> String {
    if let Some(accounts) = &portal.accounts {
        let way = address("/sign-in", [("back", back)]);
        let label = format!("Sign in at {}", accounts.issuer());
        return said("Sign in", "You are not signed in.", "", (&way, &label));
    }
    let help = "The terminal in which the portal was started shows a link, and a new one as soon as that is used.";
    said("Sign in", "You are not signed in, or your link was used already.", help, ("/", "Go to the fleet"))
}

fn said(title: &str, message: &str, help: &str, link: (&str, &str)) -> String {
    Notice { title, message, help, link }.render().unwrap_or_else(|_| message.replace(['<', '&'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_people_read_them() {
        let told = [-5, 7, 119, 120, 7199, 7200, 172_800, 400_000_000].map(ago);
        let said =
            ["0 s", "7 s", "119 s", "2 min", "119 min", "2 h", "2 days", "4,629 days"].map(|t| format!("{t} ago"));
        assert_eq!(told, said);
        assert_eq!(Time::parse("0001-01-01T00:00:00Z"), None);
        assert_eq!(Time::of_seconds(0), None);
    }

    #[test]
    fn what_a_page_says_is_text() {
        assert!(notice("<b>", "<script>x</script>").contains("&#60;script&#62;"));
    }
}
