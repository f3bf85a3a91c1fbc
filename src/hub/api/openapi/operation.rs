//! How an operation is written down, and what the document says of it.

use serde_json::{Map, Value, json};

/// The schema of bodies that are no JSON.
const BYTES: &str = "Bytes";

/// One operation of the API.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(in super::super) struct Operation {
    pub(super) method: &'static str,
    /// As the router has it.
    pub(super) route: &'static str,
    pub(super) id: &'static str,
    summary: &'static str,
    pub(super) body: Option<&'static str>,
    status: u16,
    pub(super) answer: Option<&'static str>,
    content: &'static str,
    parameters: &'static [Parameter],
    may_be_empty: bool,
    has_etag: bool,
    has_if_match: bool,
    is_versioned: bool,
    caller: Caller,
    is_refused: bool,
    is_provisioning: bool,
}

/// Who may ask.
#[derive(Debug, Clone, Copy)]
enum Caller {
    Service,
    Device,
    Anyone,
}

/// What a request may carry besides its path and body.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Parameter {
    place: &'static str,
    name: &'static str,
    about: &'static str,
}

/// A parameter of the query string.
pub(in super::super) const fn query(name: &'static str, about: &'static str) -> Parameter {
    Parameter { place: "query", name, about }
}

/// A header of the request.
pub(in super::super) const fn header(name: &'static str, about: &'static str) -> Parameter {
    Parameter { place: "header", name, about }
}

const fn operation(method: &'static str, route: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        route,
        id,
        summary,
        body: None,
        status: 200,
        answer: None,
        content: "application/json",
        parameters: &[],
        may_be_empty: false,
        has_etag: false,
        has_if_match: false,
        is_versioned: true,
        caller: Caller::Service,
        is_refused: false,
        is_provisioning: false,
    }
}

macro_rules! methods {
    ($($name:ident $method:literal,)*) => {
        $(
            #[doc = concat!("`", $method, "` of a route, with its name and what it does.")]
            pub(in super::super) const fn $name(
                route: &'static str,
                id: &'static str,
                summary: &'static str,
            ) -> Operation {
                operation($method, route, id, summary)
            }
        )*
    };
}

methods! {
    get "GET",
    put "PUT",
    post "POST",
    patch "PATCH",
    delete "DELETE",
}

impl Operation {
    /// Has a body of this schema.
    pub(in super::super) const fn takes(self, schema: &'static str) -> Self {
        Self { body: Some(schema), ..self }
    }

    /// Is answered with 200 and a body of this schema; `[X]` is an array of them.
    pub(in super::super) const fn answers(self, schema: &'static str) -> Self {
        Self { answer: Some(schema), ..self }
    }

    /// Is answered with another status.
    pub(in super::super) const fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Is answered with something else than JSON.
    pub(in super::super) const fn content(self, content: &'static str) -> Self {
        Self { content, ..self }
    }

    /// Is answered with 204 when there is nothing to answer with.
    pub(in super::super) const fn or_nothing(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// Takes these besides.
    pub(in super::super) const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// Heeds `If-Match`.
    pub(in super::super) const fn if_match(self) -> Self {
        Self { has_if_match: true, ..self }
    }

    /// Its answer has an `ETag`.
    pub(in super::super) const fn etag(self) -> Self {
        Self { has_etag: true, ..self }
    }

    /// Needs no `api-version`.
    pub(in super::super) const fn unversioned(self) -> Self {
        Self { is_versioned: false, ..self }
    }

    /// Needs no credentials.
    pub(in super::super) const fn open(self) -> Self {
        Self { caller: Caller::Anyone, ..self }
    }

    /// Is for the device that the path names, with its own credentials.
    pub(in super::super) const fn by_device(self) -> Self {
        Self { caller: Caller::Device, ..self }
    }

    /// Never succeeds.
    pub(in super::super) const fn refused(self) -> Self {
        Self { is_refused: true, ..self }
    }

    /// Belongs to the provisioning service, whose errors have a form of their own.
    pub(in super::super) const fn provisioning(self) -> Self {
        Self { is_provisioning: true, ..self }
    }

    /// The path as the document has it.
    pub(super) fn path(&self) -> String {
        self.route.replace("{*", "{")
    }

    /// The operation as the document has it.
    pub(super) fn described(&self) -> Value {
        let mut described = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": self.all_parameters(),
            "responses": self.responses(),
        });
        let Some(members) = described.as_object_mut() else { return described };
        if let Some(body) = self.body {
            let kind = if body == BYTES { "application/octet-stream" } else { "application/json" };
            let content = json!({ kind: { "schema": reference(body) } });
            members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
        }
        let security = match self.caller {
            Caller::Service => None,
            Caller::Device => Some(json!([{ "deviceToken": [] }, { "deviceCertificate": [] }])),
            Caller::Anyone => Some(json!([])),
        };
        members.extend(security.map(|security| ("security".to_owned(), security)));
        described
    }

    fn all_parameters(&self) -> Vec<Value> {
        let text = json!({ "type": "string" });
        let path = self.path();
        let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned());
        let mut all: Vec<Value> =
            names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text })).collect();
        if self.is_versioned {
            let example = json!({ "name": "api-version", "in": "query", "required": true, "schema": text, "example": "2021-04-12" });
            all.push(example);
        }
        let if_match = header("If-Match", "An etag in quotes, or *");
        let more = self.parameters.iter().chain(self.has_if_match.then_some(&if_match));
        all.extend(more.map(|Parameter { place, name, about }| {
            json!({ "name": name, "in": place, "required": false, "schema": text, "description": about })
        }));
        all
    }

    fn responses(&self) -> Value {
        let error = if self.is_provisioning { "ProvisioningError" } else { "Error" };
        let mut responses = json!({ "default": { "$ref": format!("#/components/responses/{error}") } });
        if let (false, Some(members)) = (self.is_refused, responses.as_object_mut()) {
            members.insert(self.status.to_string(), self.response());
            if self.may_be_empty {
                members.insert("204".to_owned(), json!({ "description": "There is nothing" }));
            }
        }
        responses
    }

    fn response(&self) -> Value {
        let mut response = Map::new();
        response.insert("description".to_owned(), "Done".into());
        if let Some(answer) = self.answer {
            response.insert("content".to_owned(), json!({ self.content: { "schema": reference(answer) } }));
        }
        if self.has_etag {
            let etag = json!({ "ETag": { "schema": { "type": "string" }, "description": "In quotes" } });
            response.insert("headers".to_owned(), etag);
        }
        Value::Object(response)
    }
}

/// `[X]` is an array of X.
fn reference(schema: &str) -> Value {
    let one = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    match schema.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(item) => json!({ "type": "array", "items": one(item) }),
        None => one(schema),
    }
}
