//! GitHub's part of the forge.

use serde_json::{Value, json};

use crate::server::{Answer, Asked, Item, ME, State};

const MOST: usize = 65_536;

fn shown(item: &Item, kind: &str) -> Value {
    json!({
        "id": item.number, "number": item.number, "node_id": format!("IC_{}", item.number),
        "body": item.body, "title": item.title, "user": { "login": item.author },
        "html_url": format!("https://github.example/{kind}/{}", item.number),
        "state": if item.open { "open" } else { "closed" },
        "merged_at": item.merged.as_ref().map(|(_, at)| at),
        "merge_commit_sha": item.merged.as_ref().map(|(commit, _)| commit),
    })
}

fn too_long(text: &str) -> Option<Answer> {
    let errors = json!([{ "message": format!("body is too long (maximum is {MOST} characters)") }]);
    let body = json!({ "message": "Validation Failed", "errors": errors });
    (text.chars().count() > MOST).then(|| Answer::new(422, body))
}

pub(crate) fn answer(asked: &Asked<'_>, state: &mut State) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if let Some(refused) = too_long(&asked.text("body")) {
        return refused;
    }
    match (asked.method, path.as_slice()) {
        ("POST", ["graphql"]) => graphql(asked, state),
        // As of an installation, whose token this is.
        ("GET", ["user"]) => Answer::new(403, json!({ "message": "Resource not accessible by integration" })),
        ("GET", ["repos", "iot", "kiosks"]) => Answer::new(200, json!({ "default_branch": "trunk" })),
        ("GET", ["repos", _, _, "issues", _, "comments"]) => {
            asked.page(state.comments.iter().map(|item| shown(item, "comment")).collect())
        }
        ("POST", ["repos", _, _, "issues", _, "comments"]) => {
            state.comment(ME, &asked.text("body"));
            Answer::new(201, shown(state.comments.last().unwrap(), "comment"))
        }
        (method, ["repos", _, _, "issues", "comments", number]) => comment(method, number, asked, state),
        ("POST", ["repos", _, _, "statuses", commit]) => {
            state.statuses.push(json!({ "commit": commit, "told": asked.body }));
            Answer::new(201, json!({}))
        }
        ("POST", ["repos", _, _, "check-runs"]) => {
            state.checks.push(asked.body.clone());
            Answer::new(201, json!({ "id": state.checks.len() }))
        }
        ("PATCH", ["repos", _, _, "check-runs", number]) => {
            let check = &mut state.checks[number.parse::<usize>().unwrap() - 1];
            let more = asked.body["output"]["annotations"].as_array().unwrap().clone();
            check["output"]["annotations"].as_array_mut().unwrap().extend(more);
            Answer::new(200, json!({}))
        }
        (method, ["repos", _, _, "issues", rest @ ..]) => issue(method, rest, asked, state),
        (method, ["repos", _, _, "pulls", rest @ ..]) => pull(method, rest, asked, state),
        ("GET", ["repos", _, _, "commits", commit, "pulls"]) => {
            let of = |item: &&Item| item.merged.as_ref().is_some_and(|(merged, _)| merged == commit);
            asked.page(state.pulls.iter().filter(of).map(|item| shown(item, "pull")).collect())
        }
        _ => Answer::not_found(),
    }
}

fn comment(method: &str, number: &str, asked: &Asked<'_>, state: &mut State) -> Answer {
    let number = number.parse().unwrap();
    let Some(comment) = state.comment_of(number) else { return Answer::not_found() };
    match method {
        "GET" => Answer::new(200, shown(comment, "comment")),
        "PATCH" if comment.author == ME => {
            (comment.body, comment.editor) = (asked.text("body"), Some(ME.to_owned()));
            Answer::new(200, shown(comment, "comment"))
        }
        "DELETE" if comment.author == ME => {
            state.comments.retain(|comment| comment.number != number);
            Answer::new(204, Value::Null)
        }
        _ => Answer::new(403, json!({ "message": "Must have admin rights to Repository." })),
    }
}

fn issue(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => {
            assert_eq!((asked.query("state"), asked.query("labels")), (Some("open"), Some("twinops")));
            asked.page(state.issues.iter().filter(|item| item.open).map(|item| shown(item, "issue")).collect())
        }
        ("POST", []) => {
            let number = state.next();
            let (title, body) = (asked.text("title"), asked.text("body"));
            assert_eq!(asked.body["labels"], json!(["twinops"]));
            state.issues.push(Item { number, author: ME.into(), title, body, open: true, ..Item::default() });
            Answer::new(201, shown(state.issues.last().unwrap(), "issue"))
        }
        ("PATCH", [number]) => {
            let number: u64 = number.parse().unwrap();
            let issue = state.issues.iter_mut().find(|issue| issue.number == number).unwrap();
            (issue.title, issue.body) = (asked.text("title"), asked.text("body"));
            issue.open = asked.text("state") != "closed";
            Answer::new(200, shown(issue, "issue"))
        }
        _ => Answer::not_found(),
    }
}

fn pull(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => {
            let of = |item: &&Item| item.open && Some(format!("iot:{}", item.branch).as_str()) == asked.query("head");
            asked.page(state.pulls.iter().filter(of).map(|item| shown(item, "pull")).collect())
        }
        ("POST", []) => {
            let number = state.next();
            let [title, body, branch, into] = ["title", "body", "head", "base"].map(|name| asked.text(name));
            state.pulls.push(Item { number, title, body, branch, into, open: true, ..Item::default() });
            Answer::new(201, shown(state.pulls.last().unwrap(), "pull"))
        }
        ("PATCH", [number]) => {
            let number: u64 = number.parse().unwrap();
            let pull = state.pulls.iter_mut().find(|pull| pull.number == number).unwrap();
            pull.open = asked.text("state") != "closed";
            if pull.open {
                (pull.title, pull.body) = (asked.text("title"), asked.text("body"));
            }
            Answer::new(200, shown(pull, "pull"))
        }
        _ => Answer::not_found(),
    }
}

fn graphql(asked: &Asked<'_>, state: &State) -> Answer {
    if asked.text("query").contains("viewer {") {
        return Answer::new(200, json!({ "data": { "viewer": { "login": ME } } }));
    }
    let node = asked.body["variables"]["id"].as_str().unwrap();
    let found = state.comments.iter().find(|comment| format!("IC_{}", comment.number) == node);
    // A bot is called otherwise there.
    let named = |login: &String| json!({ "login": login.replace(ME, "bot") });
    let node = found.map(|comment| {
        json!({
            "body": comment.body, "createdAt": comment.written,
            "lastEditedAt": comment.editor.as_ref().map(|_| comment.written.clone()),
            "viewerDidAuthor": comment.author == ME,
            "author": named(&comment.author), "editor": comment.editor.as_ref().map(named),
        })
    });
    Answer::new(200, json!({ "data": { "node": node } }))
}
