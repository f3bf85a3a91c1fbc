//! GitHub's REST API (version 2022-11-28), and GraphQL for what it does not say: whose a token is, and who edited a comment.

mod check;

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

/// Characters of a status' description.
const DESCRIPTION: usize = 140;
/// Characters of a title.
const TITLE: usize = 256;

/// One repository.
#[derive(Debug)]
pub(super) struct GitHub {
    http: Http,
    /// `repos/owner/name`.
    repository: String,
    owner: String,
    me: OnceCell<String>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// A comment, an issue or a pull request.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    id: u64,
    #[serde(default)]
    number: u64,
    #[serde(default)]
    node_id: String,
    body: Option<String>,
    user: Option<User>,
    html_url: String,
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<String>,
    /// What a list of issues has of pull requests.
    pull_request: Option<Value>,
}

impl Item {
    /// The account; one that was deleted is nobody's.
    fn author(&self) -> String {
        self.user.as_ref().map(|user| user.login.clone()).unwrap_or_default()
    }

    fn header(&self) -> Option<Header> {
        Header::of(self.body.as_deref()?)
    }

    fn thread(self) -> Thread {
        Thread { number: self.number, author: self.author(), header: self.header(), url: self.html_url }
    }
}

impl GitHub {
    pub(super) fn new(place: &Place) -> Result<Self, ForgeError> {
        let project = place.project()?;
        let (owner, name) = project.split_once('/').unwrap_or((project, ""));
        let repository = format!("repos/{}/{}", part(owner), part(name));
        Ok(Self { http: Http::new(place)?, repository, owner: owner.to_owned(), me: OnceCell::new() })
    }

    /// An installation's token may not ask for its user by REST; an older server may know no GraphQL.
    async fn ask_me(&self) -> Result<String, ForgeError> {
        const DOING: &str = "say whose the token is";
        let asked = self.http.graphql(DOING, &json!({ "query": "query { viewer { login } }" })).await;
        let user = match asked {
            Ok(mut data) => data["viewer"].take(),
            Err(ForgeError::NotFound { .. } | ForgeError::Refused { .. }) => self.http.get(DOING, "user").await?,
            Err(error) => return Err(error),
        };
        Ok(self.http.read::<User>(DOING, user)?.login)
    }

    async fn item(&self, doing: &'static str, method: Method, path: &str, body: &Value) -> Result<Item, ForgeError> {
        let answer = self.http.write(doing, method, &format!("{}/{path}", self.repository), body).await?;
        self.http.read(doing, answer)
    }
}

impl Api for GitHub {
    const COMMENT: usize = 65_536;

    async fn me(&self) -> Result<String, ForgeError> {
        self.me.get_or_try_init(|| self.ask_me()).await.cloned()
    }

    async fn comments(&self, pull: u64) -> Result<Vec<Comment>, ForgeError> {
        let mut found = Vec::new();
        let path = format!("{}/issues/{pull}/comments?per_page=100", self.repository);
        let mut take = |item: Item| {
            if let Some(header) = item.header() {
                let id = Id { thread: 0, comment: item.id };
                found.push(Comment { id, author: item.author(), header, url: item.html_url });
            }
        };
        self.http.pages("list the comments", &path, &mut take).await?;
        Ok(found)
    }

    async fn add_comment(&self, pull: u64, text: &str) -> Result<String, ForgeError> {
        let path = format!("issues/{pull}/comments");
        Ok(self.item("write the comment", Method::POST, &path, &json!({ "body": text })).await?.html_url)
    }

    async fn change_comment(&self, _: u64, id: Id, text: &str) -> Result<(), ForgeError> {
        let path = format!("issues/comments/{}", id.comment);
        self.item("write the comment", Method::PATCH, &path, &json!({ "body": text })).await?;
        Ok(())
    }

    async fn remove_comment(&self, _: u64, id: Id) -> Result<(), ForgeError> {
        let path = format!("{}/issues/comments/{}", self.repository, id.comment);
        self.http.delete("remove a comment that is there twice", &path).await
    }

    async fn prove_comment(&self, _: u64, id: Id) -> Result<Option<Proven>, ForgeError> {
        const DOING: &str = "say who wrote the comment";
        const QUERY: &str = "query($id: ID!) { node(id: $id) { ... on IssueComment { \
                             body createdAt lastEditedAt viewerDidAuthor author { login } editor { login } } } }";
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Node {
            body: String,
            created_at: Timestamp,
            last_edited_at: Option<Timestamp>,
            viewer_did_author: bool,
            author: Option<User>,
            editor: Option<User>,
        }
        let path = format!("{}/issues/comments/{}", self.repository, id.comment);
        let node = match self.http.get(DOING, &path).await {
            Err(ForgeError::NotFound { .. }) => return Ok(None),
            item => self.http.read::<Item>(DOING, item?)?.node_id,
        };
        let mut data = self.http.graphql(DOING, &json!({ "query": QUERY, "variables": { "id": node } })).await?;
        let Some(node) = self.http.read::<Option<Node>>(DOING, data["node"].take())? else { return Ok(None) };
        let author = node.author.map(|author| author.login).filter(|_| node.viewer_did_author);
        let last = node.editor.map(|editor| editor.login);
        let editor = match (node.last_edited_at, last) {
            (None, None) => author.is_none().then(|| "somebody else".to_owned()),
            (_, Some(editor)) => (author.as_ref() != Some(&editor)).then_some(editor),
            (Some(_), None) => Some("an account that is gone".to_owned()),
        };
        Ok(Some(Proven { text: node.body, written: node.last_edited_at.unwrap_or(node.created_at), editor }))
    }

    async fn status(&self, commit: &str, _: Option<u64>, status: &Status<'_>) -> Result<(), ForgeError> {
        let state = match status.state {
            State::Passed => "success",
            State::Waiting => "pending",
            State::Failed => "failure",
        };
        let mut body = json!({
            "state": state,
            "context": format!("twinops/{}", status.name),
            "description": short(status.description, DESCRIPTION),
        });
        if let Some(url) = status.url {
            body["target_url"] = json!(url);
        }
        let path = format!("{}/statuses/{}", self.repository, part(commit));
        self.http.write("set the status of the commit", Method::POST, &path, &body).await?;
        Ok(())
    }

    async fn check(&self, commit: &str, check: &Check<'_>) -> Result<(), ForgeError> {
        check::write(&self.http, &self.repository, commit, check).await
    }

    async fn issues(&self) -> Result<Vec<Thread>, ForgeError> {
        let mut found = Vec::new();
        let path = format!("{}/issues?state=open&labels={LABEL}&per_page=100", self.repository);
        let mut take = |item: Item| {
            if item.pull_request.is_none() && item.header().is_some() {
                found.push(item.thread());
            }
        };
        self.http.pages("list the issues", &path, &mut take).await?;
        Ok(found)
    }

    async fn open_issue(&self, words: Words<'_>) -> Result<String, ForgeError> {
        let body = json!({ "title": short(words.title, TITLE), "body": words.text, "labels": [LABEL] });
        Ok(self.item("open the issue", Method::POST, "issues", &body).await?.html_url)
    }

    async fn change_issue(&self, number: u64, words: Words<'_>, is_open: bool) -> Result<(), ForgeError> {
        let mut body = json!({ "title": short(words.title, TITLE), "body": words.text });
        if !is_open {
            body["state"] = json!("closed");
            body["state_reason"] = json!("completed");
        }
        self.item("write the issue", Method::PATCH, &format!("issues/{number}"), &body).await?;
        Ok(())
    }

    async fn main_branch(&self) -> Result<String, ForgeError> {
        const DOING: &str = "read the project";
        let mut answer = self.http.get(DOING, &self.repository).await?;
        self.http.read(DOING, answer["default_branch"].take())
    }

    async fn pull_from(&self, branch: &str) -> Result<Option<Thread>, ForgeError> {
        const DOING: &str = "list the pull requests";
        let head = part(&format!("{}:{branch}", self.owner));
        let path = format!("{}/pulls?state=open&head={head}", self.repository);
        let found: Vec<Item> = self.http.read(DOING, self.http.get(DOING, &path).await?)?;
        Ok(found.into_iter().next().map(Item::thread))
    }

    async fn open_pull(&self, branch: &str, into: &str, words: Words<'_>) -> Result<String, ForgeError> {
        let title = short(words.title, TITLE);
        let body = json!({ "title": title, "body": words.text, "head": branch, "base": into });
        Ok(self.item("open the pull request", Method::POST, "pulls", &body).await?.html_url)
    }

    async fn change_pull(&self, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
        let body = json!({ "title": short(words.title, TITLE), "body": words.text });
        self.item("write the pull request", Method::PATCH, &format!("pulls/{number}"), &body).await?;
        Ok(())
    }

    async fn close_pull(&self, number: u64) -> Result<(), ForgeError> {
        let body = json!({ "state": "closed" });
        self.item("close the pull request", Method::PATCH, &format!("pulls/{number}"), &body).await?;
        Ok(())
    }

    async fn merged(&self, commit: &str) -> Result<Option<Merged>, ForgeError> {
        let mut found = None;
        let path = format!("{}/commits/{}/pulls?per_page=100", self.repository, part(commit));
        let mut take = |item: Item| {
            if let (Some(at), true) = (item.merged_at, item.merge_commit_sha.as_deref() == Some(commit)) {
                found = Some(Merged { pull: item.number, at });
            }
        };
        self.http.pages("find the pull request of the commit", &path, &mut take).await?;
        Ok(found)
    }
}
