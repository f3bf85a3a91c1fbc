//! Commands that destroy have two steps: the first answers with a token, the second carries it. A person, or `--yes`, has
//! confirmed both before the first.

use serde_json::{Map, Value};

use crate::{cli::args::InvokeArgs, component::command::Command, reconcile::ports::HubError};

/// Whether a method has two steps.
fn has_two(method: &str) -> bool {
    Command::find(method).is_some_and(Command::destroys)
}

/// The payload with an id, where both steps need the same and none was given.
pub(super) fn named(args: &InvokeArgs, payload: Value) -> Value {
    let mut payload = if payload.is_null() && has_two(&args.method) { Value::Object(Map::new()) } else { payload };
    if let Value::Object(members) = &mut payload
        && has_two(&args.method)
    {
        members.entry("id").or_insert_with(|| format!("invoke-{:016x}", fastrand::u64(..)).into());
    }
    payload
}

/// What the second step is handed; `None` when there is none after this answer.
pub(super) fn second(method: &str, payload: &Value, first: &Result<(i64, Value), HubError>) -> Option<Value> {
    let Ok((202, answer)) = first else { return None };
    let token = answer.get("token").filter(|_| has_two(method) && payload.get("token").is_none())?;
    let mut payload = payload.clone();
    payload["token"] = token.clone();
    Some(payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_second_step_has_the_token_of_the_first_and_only_where_there_is_one() {
        let payload = json!({"id": "a"});
        let first = || Ok((202, json!({"token": "t", "expiresInSeconds": 120, "does": "x"})));
        assert_eq!(second("wipe", &payload, &first()), Some(json!({"id": "a", "token": "t"})));
        assert_eq!(second("reboot", &payload, &first()), None);
        assert_eq!(second("wipe", &json!({"id": "a", "token": "old"}), &first()), None);
        assert_eq!(second("wipe", &payload, &Ok((403, json!({"token": "t"})))), None);
    }
}
