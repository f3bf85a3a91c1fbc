//! The part of Azure DevOps.

use serde_json::{Value, json};

use crate::server::{Answer, Asked, Item, ME, State};

const MOST: usize = 150_000;

fn comment(item: &Item) -> Value {
    json!({
        "id": 1, "author": { "id": item.author }, "content": item.body, "commentType": "text",
        "publishedDate": item.written, "lastContentUpdatedDate": item.written,
    })
}

fn thread(item: &Item) -> Value {
    json!({ "id": item.number, "comments": [comment(item)], "status": "closed" })
}

fn pull(item: &Item) -> Value {
    json!({
        "pullRequestId": item.number, "title": item.title, "description": item.body, "createdBy": { "id": ME },
        "status": if item.merged.is_some() { "completed" } else if item.open { "active" } else { "abandoned" },
        "closedDate": item.merged.as_ref().map(|(_, at)| at),
    })
}

fn too_long(text: &str) -> Option<Answer> {
    let message = format!("TF401181: The content exceeds the maximum length of {MOST} characters.");
    (text.chars().count() > MOST).then(|| Answer::new(400, json!({ "message": message })))
}

pub(crate) fn answer(asked: &Asked<'_>, state: &mut State) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (asked.method, path.as_slice()) {
        ("GET", ["_apis", "connectionData"]) => Answer::new(200, json!({ "authenticatedUser": { "id": ME } })),
        (method, ["our fleet", "_apis", "git", "repositories", "kiosks", rest @ ..]) => {
            repository(method, rest, asked, state)
        }
        _ => Answer::not_found(),
    }
}

fn repository(method: &str, rest: &[&str], asked: &Asked<'_>, state: &mut State) -> Answer {
    match (method, rest) {
        ("GET", []) => Answer::new(200, json!({ "defaultBranch": "refs/heads/trunk" })),
        ("GET", ["pullRequests", _, "threads"]) => {
            let all: Vec<Value> = state.comments.iter().map(thread).collect();
            Answer::new(200, json!({ "value": all, "count": all.len() }))
        }
        ("POST", ["pullRequests", _, "threads"]) => {
            let text = asked.body["comments"][0]["content"].as_str().unwrap();
            if let Some(refused) = too_long(text) {
                return refused;
            }
            assert_ne!(asked.text("status"), "active", "an open thread keeps a pull request from being completed");
            state.comment(ME, text);
            Answer::new(200, thread(state.comments.last().unwrap()))
        }
        (_, ["pullRequests", _, "threads", number, "comments", "1"]) => {
            let number = number.parse().unwrap();
            let Some(found) = state.comment_of(number) else { return Answer::not_found() };
            match method {
                "PATCH" if found.author == ME => {
                    if let Some(refused) = too_long(&asked.text("content")) {
                        return refused;
                    }
                    found.body = asked.text("content");
                }
                "DELETE" if found.author == ME => {
                    state.comments.retain(|comment| comment.number != number);
                    return Answer::new(200, Value::Null);
                }
                "GET" => {}
                _ => return Answer::new(403, json!({ "message": "TF401027: You need the permission." })),
            }
            Answer::new(200, comment(found))
        }
        ("POST", [of @ ("pullRequests" | "commits"), which, "statuses"]) => {
            state.statuses.push(json!({ "of": of, "commit": which, "told": asked.body }));
            Answer::new(200, json!({ "id": 1 }))
        }
        ("GET", ["pullrequests"]) => {
            let wanted = asked.query("searchCriteria.sourceRefName").unwrap();
            let of = |item: &&Item| item.open && format!("refs/heads/{}", item.branch) == wanted;
            let all: Vec<Value> = state.pulls.iter().filter(of).map(pull).collect();
            Answer::new(200, json!({ "value": all }))
        }
        ("POST", ["pullrequests"]) => {
            let number = state.next();
            let names = ["title", "description", "sourceRefName", "targetRefName"];
            let [title, body, branch, into] = names.map(|name| asked.text(name).replace("refs/heads/", ""));
            state.pulls.push(Item { number, title, body, branch, into, open: true, ..Item::default() });
            Answer::new(201, pull(state.pulls.last().unwrap()))
        }
        ("PATCH", ["pullrequests", number]) => {
            let number: u64 = number.parse().unwrap();
            let found = state.pulls.iter_mut().find(|pull| pull.number == number).unwrap();
            found.open = asked.text("status") != "abandoned";
            if found.open {
                (found.title, found.body) = (asked.text("title"), asked.text("description"));
            }
            Answer::new(200, pull(found))
        }
        ("POST", ["pullrequestquery"]) => {
            let wanted = asked.body["queries"][0]["items"][0].as_str().unwrap();
            let of = |item: &&Item| item.merged.as_ref().is_some_and(|(commit, _)| commit == wanted);
            let found: Vec<Value> = state.pulls.iter().filter(of).map(pull).collect();
            let results = if found.is_empty() { json!([{}]) } else { json!([{ wanted: found }]) };
            Answer::new(200, json!({ "results": results }))
        }
        _ => Answer::not_found(),
    }
}
