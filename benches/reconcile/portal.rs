//! The portal before a large fleet: how long its pages take, and what it holds in memory.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::{Client, redirect::Policy};

use crate::{
    fleet::Stage,
    support::{figure, heading, median, memory_mb},
};

/// Times that each page is asked for.
const TIMES: usize = 200;
/// How long the first numbers may take.
const PATIENCE: Duration = Duration::from_mins(30);

pub(crate) fn run(size: u64) {
    heading(&format!("the portal before {size} devices of our own hub over HTTPS, the built command"));
    let stage = Stage::new(size);
    let mut command = stage.command(&["portal", "--listen", "127.0.0.1:0", "--refresh", "1h"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the portal starts");
    let start = Instant::now();
    let mut lines = BufReader::new(child.stderr.take().expect("its stderr")).lines().map_while(Result::ok);
    let link = lines
        .by_ref()
        .map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned())
        .find(|word| word.contains("/enter/"));
    let link = link.expect("a link to sign in by");
    let (base, _) = link.split_once("/enter/").expect("a link");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build().expect("a client");
        let entered = client.get(&link).send().await.expect("an answer");
        let cookie = entered.headers()["set-cookie"].to_str().expect("a text").split(';').next().unwrap_or_default();
        let get = async |path: &str| {
            let asked = client.get(format!("{base}{path}")).header("cookie", cookie).send().await.expect("an answer");
            assert_eq!(asked.status(), 200, "{path}");
            asked
        };
        // The first event comes with the first numbers.
        let mut live = get("/live").await;
        if !get("/").await.text().await.expect("a page").contains("data-count") {
            live.chunk().await.expect("an event");
        }
        figure("first numbers after the start, all twins read", start.elapsed().as_secs_f64(), "s", "-");
        let process = child.id().to_string();
        figure("  most memory held", memory_mb(&process, "VmHWM:"), "MB", "-");
        figure("  memory held", memory_mb(&process, "VmRSS:"), "MB", "-");
        for (name, path) in [
            ("Fleet", "/"),
            ("Devices, first page", "/devices"),
            ("Devices, narrowed down", "/devices?verdict=pending&connected=no"),
            ("Devices, a page in the middle", "/devices?after=kiosk-0050000"),
            ("Devices, a condition that the hub answers", "/devices?where=tags.site%20%3D%20%27site-7%27"),
            ("Device", "/devices/kiosk-0000007"),
            ("Drift", "/drift"),
            ("Rollouts", "/rollouts"),
        ] {
            let mut took = Vec::with_capacity(TIMES);
            for _ in 0..TIMES {
                let start = Instant::now();
                get(path).await.bytes().await.expect("a page");
                took.push(start.elapsed().as_secs_f64() * 1e3);
            }
            figure(&format!("{name}: half of {TIMES} within"), median(&mut took), "ms", "100");
            figure("  99 of 100 within", took[TIMES * 99 / 100], "ms", "100");
        }
    });
    child.kill().expect("the portal runs");
    child.wait().expect("it ends");
    // Until then it may have had something to say.
    drop(lines);
}
