//! How an operation is written down, and what the document says of it.

use serde_json::{Map, Value, json};

/// One operation of the API.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
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
    has_etag: bool,
    has_if_match: bool,
    is_versioned: bool,
    is_open: bool,
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
        has_etag: false,
        has_if_match: false,
        is_versioned: true,
        is_open: false,
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
        Self { is_open: true, ..self }
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
            "responses": { self.status.to_string(): self.response(), "default": { "$ref": "#/components/responses/Error" } },
        });
        if let (Some(body), Some(members)) = (self.body, described.as_object_mut()) {
            let content = json!({ "application/json": { "schema": reference(body) } });
            members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
        }
        if let (true, Some(members)) = (self.is_open, described.as_object_mut()) {
            members.insert("security".to_owned(), json!([]));
        }
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
