//! GitLab's part of the forge.

use serde_json::{Value, json};

use crate::server::{Answer, Asked, Item, ME, State};

const MOST: usize = 1_000_000;

fn shown(item: &Item) -> Value {
    let state = if item.merged.is_some() {
        "merged"
    } else if item.open {
        "opened"
    } else {
        "closed"
    };
    json!({
        "id": item.number, "iid": item.number, "title": item.title, "author": { "username": item.author },
        "web_url": format!("https://gitlab.example/{}", item.number), "state": state,
        "merged_at": item.merged.as_ref().map(|(_, at)| at),
        "merge_commit_sha": null, "squash_commit_sha": item.merged.as_ref().map(|(commit, _)| commit), "sha": "head",
    })
}

fn described(item: &Item) -> Value {
    let mut shown = shown(item);
    shown["description"] = json!(item.body);
    shown
}

fn note(item: &Item) -> Value {
    json!({ "id": item.number, "body": item.body, "author": { "username": item.author }, "system": false })
}

pub(crate) fn answer(asked: &Asked<'_>, state: &mut State) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if asked.text("body").chars().count() > MOST {
        return Answer::new(
            400,
            json!({ "message": { "note": [format!("is too long (maximum is {MOST} characters)")] } }),
        );
    }
    match (asked.method, path.as_slice()) {
        ("POST", ["graphql"]) => graphql(asked, state),
        ("GET", ["user"]) => Answer::new(200, json!({ "id": 1, "username": ME })),
        ("GET", ["projects", "5"]) => {
            Answer::new(200, json!({ "path_with_namespace": "iot/kiosks", "default_branch": "trunk" }))
        }
        (method, ["projects", _, "merge_requests", _, "notes", rest @ ..]) => notes(method, rest, asked, state),
        ("POST", ["projects", _, "statuses", commit]) => {
            let told = json!({ "commit": commit, "told": asked.body });
            if state.statuses.last() == Some(&told) {
                let said =
                    "Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")";
                return Answer::new(400, json!({ "message": said }));
            }
            state.statuses.push(told);
            Answer::new(201, json!({}))
        }
        (method, ["projects", _, "issues", rest @ ..]) => issue(method, rest, asked, state),
        (method, ["projects", _, "merge_requests", rest @ ..]) => merge_request(method, rest, asked, state),
        ("GET", ["projects", _, "repository", "commits", commit, "merge_requests"]) => {
            let of = |item: &&Item| item.merged.as_ref().is_some_and(|(merged, _)| merged == commit);
            asked.page(state.pulls.iter().filter(of).map(described).collect())
        }
        _ => Answer::not_found(),
    }
}

fn notes(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => asked.page(state.comments.iter().map(note).collect()),
        ("POST", []) => {
            state.comment(ME, &asked.text("body"));
            Answer::new(201, note(state.comments.last().unwrap()))
        }
        (_, [number]) => {
            let number = number.parse().unwrap();
            let Some(comment) = state.comment_of(number) else { return Answer::not_found() };
            if comment.author != ME {
                return Answer::new(403, json!({ "message": "403 Forbidden" }));
            }
            if method == "DELETE" {
                state.comments.retain(|comment| comment.number != number);
                return Answer::new(204, Value::Null);
            }
            (comment.body, comment.editor) = (asked.text("body"), Some(ME.to_owned()));
            Answer::new(200, note(comment))
        }
        _ => Answer::not_found(),
    }
}

fn issue(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => asked.page(state.issues.iter().filter(|item| item.open).map(described).collect()),
        ("POST", []) => {
            let number = state.next();
            let (title, body) = (asked.text("title"), asked.text("description"));
            assert_eq!(asked.text("labels"), "twinops");
            state.issues.push(Item { number, author: ME.into(), title, body, open: true, ..Item::default() });
            Answer::new(201, described(state.issues.last().unwrap()))
        }
        ("PUT", [number]) => change(&mut state.issues, number, asked),
        _ => Answer::not_found(),
    }
}

fn merge_request(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => {
            let of = |item: &&Item| item.open && Some(item.branch.as_str()) == asked.query("source_branch");
            asked.page(state.pulls.iter().filter(of).map(described).collect())
        }
        ("GET", [_]) => Answer::new(200, json!({ "web_url": "https://gitlab.example/7" })),
        ("POST", []) => {
            let number = state.next();
            let names = ["title", "description", "source_branch", "target_branch"];
            let [title, body, branch, into] = names.map(|name| asked.text(name));
            state.pulls.push(Item { number, title, body, branch, into, open: true, ..Item::default() });
            Answer::new(201, described(state.pulls.last().unwrap()))
        }
        ("PUT", [number]) => change(&mut state.pulls, number, asked),
        _ => Answer::not_found(),
    }
}

fn change(all: &mut [Item], number: &str, asked: &Asked<'_>) -> Answer {
    let number: u64 = number.parse().unwrap();
    let item = all.iter_mut().find(|item| item.number == number).unwrap();
    if asked.body.get("title").is_some() {
        (item.title, item.body) = (asked.text("title"), asked.text("description"));
    }
    item.open &= asked.text("state_event") != "close";
    Answer::new(200, described(item))
}

/// Two notes a page, so that there are several.
fn graphql(asked: &Asked<'_>, state: &State) -> Answer {
    let variables = &asked.body["variables"];
    assert_eq!((&variables["path"], &variables["iid"]), (&json!("iot/kiosks"), &json!("7")));
    let from = variables["after"].as_str().map_or(0, |after| after.parse::<usize>().unwrap());
    let named = |name: &String| json!({ "username": name });
    let nodes: Vec<Value> = state
        .comments
        .iter()
        .skip(from)
        .take(2)
        .map(|comment| {
            json!({
                "id": format!("gid://gitlab/Note/{}", comment.number), "body": comment.body,
                "createdAt": comment.written, "author": named(&comment.author),
                "lastEditedAt": comment.editor.as_ref().map(|_| comment.written.clone()),
                "lastEditedBy": comment.editor.as_ref().map(named),
            })
        })
        .collect();
    let page = json!({ "hasNextPage": from + 2 < state.comments.len(), "endCursor": (from + 2).to_string() });
    let all = json!({ "pageInfo": page, "nodes": nodes });
    Answer::new(200, json!({ "data": { "project": { "mergeRequest": { "notes": all } } } }))
}
