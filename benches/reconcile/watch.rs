//! A reconciler that stays: the memory that it holds, and how soon after a webhook it writes.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout, Stdio},
    time::Instant,
};

use crate::{
    fleet::Stage,
    support::{figure, heading, median, memory_mb},
};

/// What proves the webhook, as GitLab does.
const SECRET: &str = "a secret of the benchmark";
/// Webhooks that are measured.
const TIMES: usize = 10;

pub(crate) fn run(size: u64) {
    heading(&format!("{size} devices, watched"));
    let stage = Stage::new(size);
    let mut command = stage.command(&["reconcile", "--watch", "--poll", "1h", "--events", "-", "--concurrency", "64"]);
    command.args(["--webhook", "127.0.0.1:0"]).env("TWINOPS_WEBHOOK_SECRET", SECRET);
    // Where it listens is said on stderr, unless it is to be quiet.
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut said = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let address = said.find_map(|line| Some(line.strip_prefix("listening at http://")?.to_owned()));
    let address = address.expect("it listens").trim_end_matches("/webhook").to_owned();
    // Nobody may be held up by a pipe that is full.
    std::thread::spawn(move || said.for_each(drop));
    let mut watcher = Watcher { events: BufReader::new(child.stdout.take().expect("piped")), child };
    watcher.until("finished");
    // What every device was written is not kept: the first commit after that reads all twins.
    stage.commit("a", "after all");
    figure("webhook to the first write, after one to every device", watcher.pushed(&address), "s", "2");
    let one = |time| {
        stage.commit("a", &format!("e{time}"));
        watcher.pushed(&address)
    };
    let mut waits: Vec<f64> = (0..TIMES).map(one).collect();
    figure("  of a line for few devices, the middle one", median(&mut waits), "s", "2");
    figure("  longest", waits.last().copied().unwrap_or_default(), "s", "2");
    stage.commit("z", "e");
    figure("  of a line for every device", watcher.pushed(&address), "s", "2");
    let process = watcher.child.id().to_string();
    figure("memory held between runs", memory_mb(&process, "VmRSS:"), "MB", "200");
    figure("  at most", memory_mb(&process, "VmHWM:"), "MB", "200");
}

struct Watcher {
    child: Child,
    events: BufReader<ChildStdout>,
}

impl Watcher {
    /// Seconds from the webhook to the first write; what it brought is carried out before the next.
    fn pushed(&mut self, address: &str) -> f64 {
        let start = Instant::now();
        post(address);
        self.until("applied");
        let wait = start.elapsed().as_secs_f64();
        self.until("finished");
        wait
    }

    fn until(&mut self, event: &str) {
        let word = format!("\"event\":\"{event}\"");
        let mut line = String::new();
        while !line.contains(&word) {
            line.clear();
            assert_ne!(self.events.read_line(&mut line).expect("a text"), 0, "it has ended");
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _no_zombie = self.child.wait();
    }
}

fn post(address: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "POST /webhook HTTP/1.1\r\nhost: {address}\r\nx-gitlab-token: {SECRET}\r\nconnection: close\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}
