//! GitLab's REST API (version 4), and GraphQL for what it does not say: who edited a note.

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    Check, ForgeError, Header, Place, State, Status,
    api::{Api, Comment, Id, LABEL, Merged, Proven, Thread, Words, part, short},
    http::Http,
};

/// Characters of a status' description, and of a title.
const LINE: usize = 255;
/// Notes of a page: each may have a million characters.
const PAGE: usize = 20;

/// One project.
#[derive(Debug)]
pub(super) struct GitLab {
    http: Http,
    /// `projects/…`.
    project: String,
    /// The pipeline that runs, so that a status does not make one of its own.
    pipeline: u64,
    me: OnceCell<String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

/// A note, an issue or a merge request.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    id: u64,
    #[serde(default)]
    iid: u64,
    #[serde(alias = "description")]
    body: Option<String>,
    author: Option<User>,
    #[serde(default)]
    web_url: String,
    state: Option<String>,
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    sha: Option<String>,
}

impl Item {
    fn author(&self) -> String {
        self.author.as_ref().map(|author| author.username.clone()).unwrap_or_default()
    }

    fn header(&self) -> Option<Header> {
        Header::of(self.body.as_deref()?)
    }

    fn thread(self) -> Thread {
        Thread { number: self.iid, author: self.author(), header: self.header(), url: self.web_url }
    }

    /// Whether merging it made the commit: by a merge, a squash, or a fast-forward.
    fn made(&self, commit: &str) -> bool {
        let ids = [&self.merge_commit_sha, &self.squash_commit_sha, &self.sha];
        self.state.as_deref() == Some("merged") && ids.into_iter().flatten().any(|id| id == commit)
    }
}

impl GitLab {
    pub(super) fn new(place: &Place) -> Result<Self, ForgeError> {
        let project = format!("projects/{}", part(place.project()?));
        Ok(Self { http: Http::new(place)?, project, pipeline: place.run, me: OnceCell::new() })
    }

    async fn item(&self, doing: &'static str, method: Method, path: &str, body: &Value) -> Result<Item, ForgeError> {
        let answer = self.http.write(doing, method, &format!("{}/{path}", self.project), body).await?;
        self.http.read(doing, answer)
    }

    /// The address of a note for people: that of its merge request, which the note does not tell.
    async fn address(&self, pull: u64) -> Result<String, ForgeError> {
        const DOING: &str = "read the merge request";
        let answer = self.http.get(DOING, &format!("{}/merge_requests/{pull}", self.project)).await?;
        Ok(self.http.read::<Item>(DOING, answer)?.web_url)
    }

    /// The project as GraphQL names it.
    async fn full_path(&self) -> Result<String, ForgeError> {
        const DOING: &str = "read the project";
        let mut answer = self.http.get(DOING, &self.project).await?;
        self.http.read(DOING, answer["path_with_namespace"].take())
    }
}

impl Api for GitLab {
    const COMMENT: usize = 1_000_000;

    async fn me(&self) -> Result<String, ForgeError> {
        const DOING: &str = "say whose the token is";
        let ask = || async { Ok(self.http.read::<User>(DOING, self.http.get(DOING, "user").await?)?.username) };
        self.me.get_or_try_init(ask).await.cloned()
    }

    async fn comments(&self, pull: u64) -> Result<Vec<Comment>, ForgeError> {
        let merge_request = self.address(pull).await?;
        let mut found = Vec::new();
        let path = format!("{}/merge_requests/{pull}/notes?sort=asc&order_by=created_at&per_page={PAGE}", self.project);
        let mut take = |item: Item| {
            if let Some(header) = item.header() {
                let id = Id { thread: 0, comment: item.id };
                found.push(Comment {
                    id,
                    author: item.author(),
                    header,
                    url: format!("{merge_request}#note_{}", item.id),
                });
            }
        };
        self.http.pages("list the comments", &path, &mut take).await?;
        Ok(found)
    }

    async fn add_comment(&self, pull: u64, text: &str) -> Result<String, ForgeError> {
        let path = format!("merge_requests/{pull}/notes");
        let made = self.item("write the comment", Method::POST, &path, &json!({ "body": text })).await?;
        Ok(format!("{}#note_{}", self.address(pull).await?, made.id))
    }

    async fn change_comment(&self, pull: u64, id: Id, text: &str) -> Result<(), ForgeError> {
        let path = format!("merge_requests/{pull}/notes/{}", id.comment);
        self.item("write the comment", Method::PUT, &path, &json!({ "body": text })).await?;
        Ok(())
    }

    async fn remove_comment(&self, pull: u64, id: Id) -> Result<(), ForgeError> {
        let path = format!("{}/merge_requests/{pull}/notes/{}", self.project, id.comment);
        self.http.delete("remove a comment that is there twice", &path).await
    }

    async fn prove_comment(&self, pull: u64, id: Id) -> Result<Option<Proven>, ForgeError> {
        const DOING: &str = "say who wrote the comment";
        const QUERY: &str = "query($path: ID!, $iid: String!, $after: String) { \
                             project(fullPath: $path) { mergeRequest(iid: $iid) { notes(first: 20, after: $after) { \
                             pageInfo { hasNextPage endCursor } \
                             nodes { id body createdAt lastEditedAt author { username } lastEditedBy { username } } \
                             } } } }";
        let path = self.full_path().await?;
        let (me, ending) = (self.me().await?, format!("/{}", id.comment));
        let mut after: Option<String> = None;
        loop {
            let variables = json!({ "path": path, "iid": pull.to_string(), "after": after });
            let asked = json!({ "query": QUERY, "variables": variables });
            let mut data = self.http.graphql(DOING, &asked).await?;
            let notes = data.pointer_mut("/project/mergeRequest/notes").map(Value::take);
            let Some(notes) = self.http.read::<Option<Notes>>(DOING, notes.unwrap_or_default())? else {
                return Ok(None);
            };
            if let Some(note) = notes.nodes.into_iter().find(|note| note.id.ends_with(&ending)) {
                return Ok(Some(note.proven(&me)));
            }
            after = notes.page_info.end_cursor.filter(|_| notes.page_info.has_next_page);
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    async fn status(&self, commit: &str, _: Option<u64>, status: &Status<'_>) -> Result<(), ForgeError> {
        let state = match status.state {
            State::Passed => "success",
            State::Waiting => "running",
            State::Failed => "failed",
        };
        let mut body = json!({
            "state": state,
            "name": format!("twinops/{}", status.name),
            "description": short(status.description, LINE),
        });
        if self.pipeline > 0 {
            body["pipeline_id"] = json!(self.pipeline);
        }
        if let Some(url) = status.url {
            body["target_url"] = json!(url);
        }
        let path = format!("{}/statuses/{}", self.project, part(commit));
        match self.http.write("set the status of the commit", Method::POST, &path, &body).await {
            // It says so of a status that is set to what it is.
            Err(ForgeError::Refused { status: 400, said, .. }) if said.contains("Cannot transition status") => Ok(()),
            written => written.map(drop),
        }
    }

    /// GitLab shows remarks on lines from a report that the job leaves: `--format gitlab`.
    async fn check(&self, _: &str, _: &Check<'_>) -> Result<(), ForgeError> {
        Ok(())
    }

    async fn issues(&self) -> Result<Vec<Thread>, ForgeError> {
        let mut found = Vec::new();
        let path = format!("{}/issues?state=opened&labels={LABEL}&scope=all&per_page={PAGE}", self.project);
        let mut take = |item: Item| {
            if item.header().is_some() {
                found.push(item.thread());
            }
        };
        self.http.pages("list the issues", &path, &mut take).await?;
        Ok(found)
    }

    async fn open_issue(&self, words: Words<'_>) -> Result<String, ForgeError> {
        let body = json!({ "title": short(words.title, LINE), "description": words.text, "labels": LABEL });
        Ok(self.item("open the issue", Method::POST, "issues", &body).await?.web_url)
    }

    async fn change_issue(&self, number: u64, words: Words<'_>, is_open: bool) -> Result<(), ForgeError> {
        let mut body = json!({ "title": short(words.title, LINE), "description": words.text });
        if !is_open {
            body["state_event"] = json!("close");
        }
        self.item("write the issue", Method::PUT, &format!("issues/{number}"), &body).await?;
        Ok(())
    }

    async fn main_branch(&self) -> Result<String, ForgeError> {
        const DOING: &str = "read the project";
        let mut answer = self.http.get(DOING, &self.project).await?;
        self.http.read(DOING, answer["default_branch"].take())
    }

    async fn pull_from(&self, branch: &str) -> Result<Option<Thread>, ForgeError> {
        const DOING: &str = "list the merge requests";
        let path = format!("{}/merge_requests?state=opened&source_branch={}", self.project, part(branch));
        let found: Vec<Item> = self.http.read(DOING, self.http.get(DOING, &path).await?)?;
        Ok(found.into_iter().next().map(Item::thread))
    }

    async fn open_pull(&self, branch: &str, into: &str, words: Words<'_>) -> Result<String, ForgeError> {
        let body = json!({
            "title": short(words.title, LINE),
            "description": words.text,
            "source_branch": branch,
            "target_branch": into,
            "remove_source_branch": true,
        });
        Ok(self.item("open the merge request", Method::POST, "merge_requests", &body).await?.web_url)
    }

    async fn change_pull(&self, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
        let body = json!({ "title": short(words.title, LINE), "description": words.text });
        self.item("write the merge request", Method::PUT, &format!("merge_requests/{number}"), &body).await?;
        Ok(())
    }

    async fn close_pull(&self, number: u64) -> Result<(), ForgeError> {
        let body = json!({ "state_event": "close" });
        self.item("close the merge request", Method::PUT, &format!("merge_requests/{number}"), &body).await?;
        Ok(())
    }

    async fn merged(&self, commit: &str) -> Result<Option<Merged>, ForgeError> {
        let mut found = None;
        let path = format!("{}/repository/commits/{}/merge_requests?per_page={PAGE}", self.project, part(commit));
        let mut take = |item: Item| {
            if let (Some(at), true) = (item.merged_at, item.made(commit)) {
                found = Some(Merged { pull: item.iid, at });
            }
        };
        self.http.pages("find the merge request of the commit", &path, &mut take).await?;
        Ok(found)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notes {
    page_info: PageInfo,
    nodes: Vec<Note>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    id: String,
    body: String,
    created_at: Timestamp,
    last_edited_at: Option<Timestamp>,
    author: Option<User>,
    last_edited_by: Option<User>,
}

impl Note {
    /// Maintainers may edit anybody's notes: who did so last is told.
    fn proven(self, me: &str) -> Proven {
        let author = self.author.map(|author| author.username).unwrap_or_default();
        let last = match (self.last_edited_at, self.last_edited_by) {
            (_, Some(editor)) => editor.username,
            (Some(_), None) => "an account that is gone".to_owned(),
            (None, None) => author,
        };
        let written = self.last_edited_at.unwrap_or(self.created_at);
        Proven { text: self.body, written, editor: (last != me).then_some(last) }
    }
}
