//! The REST API of Azure DevOps (version 7.1): threads on pull requests, statuses, work items.

use std::collections::HashMap;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    Check, ForgeError, Header, Place, Service, State, Status,
    api::{Api, Comment, Id, Merged, Proven, Thread, Words, part, short},
    http::Http,
};

/// The version of the API.
const VERSION: &str = "api-version=7.1";
/// Characters of a status' description, and of a title.
const LINE: usize = 200;

/// One repository of a project.
#[derive(Debug)]
pub(super) struct Azure {
    http: Http,
    /// `project/_apis/git/repositories/name`.
    repository: String,
    /// Where people look at it: `https://dev.azure.com/contoso/project/_git/name`.
    page: String,
    me: OnceCell<String>,
}

#[derive(Deserialize)]
struct Identity {
    id: String,
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadBody {
    id: u64,
    #[serde(default)]
    comments: Vec<CommentBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentBody {
    id: u64,
    author: Option<Identity>,
    content: Option<String>,
    #[serde(default)]
    is_deleted: bool,
    last_content_updated_date: Option<Timestamp>,
    published_date: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullBody {
    pull_request_id: u64,
    #[serde(default)]
    status: String,
    closed_date: Option<Timestamp>,
    description: Option<String>,
    created_by: Option<Identity>,
}

impl CommentBody {
    fn author(&self) -> String {
        self.author.as_ref().map(|author| author.id.clone()).unwrap_or_default()
    }

    fn header(&self) -> Option<Header> {
        Header::of(self.content.as_deref()?)
    }
}

impl Azure {
    pub(super) fn new(place: &Place) -> Result<Self, ForgeError> {
        let whole = place.project()?;
        // Most projects have a repository of their own name.
        let (project, name) = whole.split_once('/').unwrap_or((whole, whole));
        Ok(Self {
            http: Http::new(place)?,
            repository: format!("{}/_apis/git/repositories/{}", part(project), part(name)),
            page: format!("{}/{}/_git/{}", place.api.trim_end_matches('/'), part(project), part(name)),
            me: OnceCell::new(),
        })
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}?{VERSION}", self.repository)
    }

    fn url(&self, pull: u64) -> String {
        format!("{}/pullrequest/{pull}", self.page)
    }

    fn thread_url(&self, pull: u64, thread: u64) -> String {
        format!("{}?discussionId={thread}", self.url(pull))
    }

    async fn write<T: for<'de> Deserialize<'de>>(
        &self,
        doing: &'static str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, ForgeError> {
        self.http.read(doing, self.http.write(doing, method, &self.at(path), body).await?)
    }

    /// Boards are another product, whose kinds of items and states each project chooses.
    fn no_issues<T>() -> Result<T, ForgeError> {
        let said = "its pull requests and failed runs tell people; --open-issue is for GitHub and GitLab".to_owned();
        Err(ForgeError::Refused { service: Service::Azure, doing: "keep issues", status: 501, said })
    }
}

impl Api for Azure {
    const COMMENT: usize = 150_000;
    const PULL: usize = 4_000;

    async fn me(&self) -> Result<String, ForgeError> {
        const DOING: &str = "say whose the token is";
        let ask = || async {
            let mut answer = self.http.get(DOING, "_apis/connectionData?api-version=7.1-preview").await?;
            Ok(self.http.read::<Identity>(DOING, answer["authenticatedUser"].take())?.id)
        };
        self.me.get_or_try_init(ask).await.cloned()
    }

    async fn comments(&self, pull: u64) -> Result<Vec<Comment>, ForgeError> {
        const DOING: &str = "list the comments";
        let answer = self.http.get(DOING, &self.at(&format!("pullRequests/{pull}/threads"))).await?;
        let threads: List<ThreadBody> = self.http.read(DOING, answer)?;
        let first = |thread: ThreadBody| {
            let comment = thread.comments.into_iter().next().filter(|comment| !comment.is_deleted)?;
            let id = Id { thread: thread.id, comment: comment.id };
            let url = self.thread_url(pull, thread.id);
            Some(Comment { id, author: comment.author(), header: comment.header()?, url })
        };
        Ok(threads.value.into_iter().filter_map(first).collect())
    }

    async fn add_comment(&self, pull: u64, text: &str) -> Result<String, ForgeError> {
        // Closed: an open thread can keep a pull request from being completed.
        let body = json!({
            "comments": [{ "parentCommentId": 0, "content": text, "commentType": "text" }],
            "status": "closed",
        });
        let path = format!("pullRequests/{pull}/threads");
        let made: ThreadBody = self.write("write the comment", Method::POST, &path, &body).await?;
        Ok(self.thread_url(pull, made.id))
    }

    async fn change_comment(&self, pull: u64, id: Id, text: &str) -> Result<(), ForgeError> {
        let path = format!("pullRequests/{pull}/threads/{}/comments/{}", id.thread, id.comment);
        self.write::<Value>("write the comment", Method::PATCH, &path, &json!({ "content": text })).await?;
        Ok(())
    }

    async fn remove_comment(&self, pull: u64, id: Id) -> Result<(), ForgeError> {
        let path = self.at(&format!("pullRequests/{pull}/threads/{}/comments/{}", id.thread, id.comment));
        self.http.delete("remove a comment that is there twice", &path).await
    }

    /// Nobody but its author may edit a comment there.
    async fn prove_comment(&self, pull: u64, id: Id) -> Result<Option<Proven>, ForgeError> {
        const DOING: &str = "say who wrote the comment";
        let path = self.at(&format!("pullRequests/{pull}/threads/{}/comments/{}", id.thread, id.comment));
        let comment: CommentBody = match self.http.get(DOING, &path).await {
            Err(ForgeError::NotFound { .. }) => return Ok(None),
            answer => self.http.read(DOING, answer?)?,
        };
        let (author, me) = (comment.author(), self.me().await?);
        let written = comment.last_content_updated_date.or(comment.published_date);
        let (Some(text), Some(written), false) = (comment.content, written, comment.is_deleted) else {
            return Ok(None);
        };
        Ok(Some(Proven { text, written, editor: (author != me).then_some(author) }))
    }

    async fn status(&self, commit: &str, pull: Option<u64>, status: &Status<'_>) -> Result<(), ForgeError> {
        const DOING: &str = "set the status of the commit";
        let state = match status.state {
            State::Passed => "succeeded",
            State::Waiting => "pending",
            State::Failed => "failed",
        };
        let mut body = json!({
            "state": state,
            "description": short(status.description, LINE),
            "context": { "name": status.name, "genre": "twinops" },
        });
        if let Some(url) = status.url {
            body["targetUrl"] = json!(url);
        }
        let path = match pull {
            Some(pull) => format!("pullRequests/{pull}/statuses"),
            None => format!("commits/{}/statuses", part(commit)),
        };
        self.write::<Value>(DOING, Method::POST, &path, &body).await?;
        Ok(())
    }

    /// Azure DevOps has no check runs.
    async fn check(&self, _: &str, _: &Check<'_>) -> Result<(), ForgeError> {
        Ok(())
    }

    async fn issues(&self) -> Result<Vec<Thread>, ForgeError> {
        Self::no_issues()
    }

    async fn open_issue(&self, _: Words<'_>) -> Result<String, ForgeError> {
        Self::no_issues()
    }

    async fn change_issue(&self, _: u64, _: Words<'_>, _: bool) -> Result<(), ForgeError> {
        Self::no_issues()
    }

    async fn main_branch(&self) -> Result<String, ForgeError> {
        const DOING: &str = "read the repository";
        let mut answer = self.http.get(DOING, &format!("{}?{VERSION}", self.repository)).await?;
        let name: String = self.http.read(DOING, answer["defaultBranch"].take())?;
        Ok(name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned())
    }

    async fn pull_from(&self, branch: &str) -> Result<Option<Thread>, ForgeError> {
        const DOING: &str = "list the pull requests";
        let source = part(&format!("refs/heads/{branch}"));
        let query = format!("searchCriteria.status=active&searchCriteria.sourceRefName={source}");
        let answer = self.http.get(DOING, &format!("{}&{query}", self.at("pullrequests"))).await?;
        let found: List<PullBody> = self.http.read(DOING, answer)?;
        Ok(found.value.into_iter().next().map(|pull| Thread {
            number: pull.pull_request_id,
            author: pull.created_by.map(|author| author.id).unwrap_or_default(),
            header: pull.description.as_deref().and_then(Header::of),
            url: self.url(pull.pull_request_id),
        }))
    }

    async fn open_pull(&self, branch: &str, into: &str, words: Words<'_>) -> Result<String, ForgeError> {
        let body = json!({
            "title": short(words.title, LINE),
            "description": words.text,
            "sourceRefName": format!("refs/heads/{branch}"),
            "targetRefName": format!("refs/heads/{into}"),
        });
        let made: PullBody = self.write("open the pull request", Method::POST, "pullrequests", &body).await?;
        Ok(self.url(made.pull_request_id))
    }

    async fn change_pull(&self, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
        let body = json!({ "title": short(words.title, LINE), "description": words.text });
        let path = format!("pullrequests/{number}");
        self.write::<Value>("write the pull request", Method::PATCH, &path, &body).await?;
        Ok(())
    }

    async fn close_pull(&self, number: u64) -> Result<(), ForgeError> {
        let (path, body) = (format!("pullrequests/{number}"), json!({ "status": "abandoned" }));
        self.write::<Value>("close the pull request", Method::PATCH, &path, &body).await?;
        Ok(())
    }

    async fn merged(&self, commit: &str) -> Result<Option<Merged>, ForgeError> {
        #[derive(Deserialize)]
        struct Answer {
            results: Vec<HashMap<String, Vec<PullBody>>>,
        }
        const DOING: &str = "find the pull request of the commit";
        let body = json!({ "queries": [{ "type": "lastMergeCommit", "items": [commit] }] });
        let answer: Answer = self.write(DOING, Method::POST, "pullrequestquery", &body).await?;
        let mut all = answer.results.into_iter().flat_map(HashMap::into_values).flatten();
        Ok(all
            .find(|pull| pull.status == "completed")
            .and_then(|pull| Some(Merged { pull: pull.pull_request_id, at: pull.closed_date? })))
    }
}
