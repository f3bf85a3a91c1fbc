//! `yaml-language-server` as a process, and as much of the Language Server Protocol as it takes to talk to it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

pub(crate) struct Server {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
}

impl Server {
    /// A server for the files below `root`, or nothing, said loudly, when there is none.
    pub(crate) fn start(root: &Path) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/sdk/editor/node_modules/yaml-language-server/bin/yaml-language-server");
        if !program.exists() {
            return missing("yaml-language-server is not there");
        }
        let started =
            Command::new("node").arg(program).arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut process) = started else { return missing("Node is not there") };
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut server = Self { process, to, from: BufReader::new(from), asked: 0 };
        server.ask(
            "initialize",
            json!({
                "processId": null,
                "rootUri": uri(root),
                "capabilities": {
                    "workspace": { "configuration": true },
                    "textDocument": {
                        "publishDiagnostics": {},
                        "completion": { "completionItem": { "documentationFormat": ["markdown"] } },
                        "hover": { "contentFormat": ["markdown"] },
                    },
                },
            }),
        );
        server.tell("initialized", json!({}));
        server.tell("workspace/didChangeConfiguration", json!({ "settings": { "yaml": settings() } }));
        Some(server)
    }

    /// Opens a file with this text, once. What is underlined in it.
    pub(crate) fn open(&mut self, file: &Path, text: &str) -> Vec<Value> {
        let uri = uri(file);
        let document = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        let answer = self
            .wait(|message| message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == *uri);
        answer["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// What may stand at a line and column (from 0): names, and what is said of them.
    pub(crate) fn completion(&mut self, file: &Path, at: (u64, u64)) -> Vec<(String, String)> {
        let answer = self.ask("textDocument/completion", place(file, at));
        let text = |value: &Value| value.as_str().or(value["value"].as_str()).unwrap_or_default().to_owned();
        let items = answer["items"].as_array().unwrap();
        items.iter().map(|item| (text(&item["label"]), text(&item["documentation"]))).collect()
    }

    /// What is said of what stands at a line and column.
    pub(crate) fn hover(&mut self, file: &Path, at: (u64, u64)) -> String {
        self.ask("textDocument/hover", place(file, at))["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(json!({ "id": id, "method": method, "params": params }));
        let answer = self.wait(|message| message["id"] == id && message.get("method").is_none());
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    /// The first message that `is_it`; the server's own questions are answered meanwhile.
    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive();
            if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
                let result = match method {
                    "workspace/configuration" => {
                        let of = |item: &Value| if item["section"] == "yaml" { settings() } else { json!({}) };
                        message["params"]["items"].as_array().unwrap().iter().map(of).collect()
                    }
                    _ => Value::Null,
                };
                self.send(json!({ "id": id, "result": result }));
            } else if is_it(&message) {
                return message;
            }
        }
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = "2.0".into();
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the server has gone away");
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut text = vec![0; length];
        self.from.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which is what the test then is about.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// As an editor has them by default, but nothing is fetched.
fn settings() -> Value {
    json!({ "validate": true, "hover": true, "completion": true, "schemaStore": { "enable": false } })
}

fn place(file: &Path, (line, character): (u64, u64)) -> Value {
    json!({ "textDocument": { "uri": uri(file) }, "position": { "line": line, "character": character } })
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "{what}; `.ci/sdks` brings it");
    let mut err = std::io::stderr();
    writeln!(err, "\n*** NOT RUN: {what}; `.ci/sdks` brings it\n").unwrap();
    None
}
