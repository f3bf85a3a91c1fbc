//! Runs of the reconciler in a world in memory, each made up by its seed.
//!
//! `SIM_RUNS` says how many (300), `SIM_SEED` with which seed they begin (1).

mod book;
mod fleet;
mod hub;
mod line;
mod network;

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use fastrand::Rng;
use fleet::{History, NAME, REVISIONS};
use hub::{Hub, Stored};
use line::Line;
use network::Network;
use serde_json::{Value, json};
use tokio::time::timeout;
use twinops::{
    fleet::resolve::Facts,
    twin::{DeviceId, Map, get, leaves},
};

/// Longer than a run takes that gives every request ten minutes.
const ENDLESS: Duration = Duration::from_hours(48);

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Plays one world in a time of its own.
fn play<T>(seed: u64, world: impl Future<Output = T>) -> T {
    // Waits between tries are drawn from the thread's own numbers.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(world)
}

fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn one_of(rng: &mut Rng, of: [&'static str; 2]) -> &'static str {
    of[usize::from(rng.bool())]
}

fn id(at: usize) -> DeviceId {
    DeviceId::new(&format!("d{at}")).unwrap()
}

/// Ten devices, of which the first few may not be there yet, with values of others in them.
fn populated(rng: &mut Rng) -> Hub {
    let mut hub = Hub { clock: 1_790_000_000, ..Hub::default() };
    for at in 0..10 {
        if at > 2 || rng.bool() {
            let mut twin = Stored::default();
            let role = one_of(rng, ["kiosk", "till"]);
            let tags =
                if at > 2 { json!({ "role": role, "site": "oslo", "owner": { "team": at } }) } else { json!({}) };
            let desired = json!({ "bridge": { "port": rng.u8(..), "names": ["x"] }, "app": { "local": rng.u8(..) } });
            twin.edit(&map(tags), &map(desired), false);
            hub.twins.insert(id(at), twin);
        }
    }
    hub.index(rng, 1.0);
    hub
}

/// Others write to some twins: what is theirs, what is ours, or what decides which documents apply; and take some away.
fn others_write(rng: &mut Rng, hub: &mut Hub) {
    for _ in 0..rng.usize(0..4) {
        let device = id(rng.usize(0..10));
        let declared = device.as_str() < "d3";
        let what = rng.u32(0..10);
        if what == 0 && declared {
            hub.twins.remove(&device);
            continue;
        }
        let Some(twin) = hub.twins.get_mut(&device) else { continue };
        let none = Map::new();
        match what {
            0..4 => twin.edit(&none, &map(json!({ "bridge": { "port": rng.u8(..) } })), false),
            // What comes back more often is contested, and left as it is.
            4..7 if twin.edits >= 2 => {}
            4..6 => twin.edit(&none, &map(json!({ "app": { "level": "by hand" } })), true),
            6 => twin.edit(&none, &map(json!({ "windowsUpdate": { "allowAutoUpdate": 5 } })), true),
            7 if !declared => twin.edit(&map(json!({ "role": one_of(rng, ["kiosk", "till"]) })), &none, false),
            8 if !declared => twin.edit(&map(json!({ "site": one_of(rng, ["oslo", "bergen"]) })), &none, false),
            _ => twin.edit(&map(json!({ "owner": { "team": rng.u8(..) } })), &none, false),
        }
    }
}

/// Runs until so many times something had to be waited for, and is dropped there; how often it did.
async fn killed(run: impl Future, after: usize) -> usize {
    let (mut run, mut waits) = (pin!(run), 0);
    poll_fn(|context| {
        if run.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        waits += 1;
        if waits >= after { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waits
}

/// A world in which things go wrong, for a few revisions; then it is calm, and one run has to bring all in order.
async fn campaign(seed: u64, history: &History) {
    let mut rng = Rng::with_seed(seed);
    let hub = populated(&mut rng);
    let faults = [0, 20, 100, 300][rng.usize(0..4)];
    let network = Network::new(hub, rng.fork(), faults);
    let mut at = 0;
    for _ in 0..rng.usize(1..6) {
        at = rng.usize(0..REVISIONS);
        others_write(&mut rng, &mut network.hub());
        let line = Line::new(&network, history.planner(at));
        let run = timeout(ENDLESS, async {
            match rng.u32(0..10) {
                0..4 => _ = killed(line.run(), rng.usize(1..120)).await,
                4..6 => {
                    let other = Line::new(&network, history.planner(at));
                    tokio::join!(line.run(), other.run());
                }
                _ => _ = line.run().await,
            }
        });
        run.await.expect("a run ends");
    }
    in_order(&network, history, at).await;
}

/// One run over a calm network brings every device to the revision, the next has nothing to do, and no law was broken.
async fn in_order(network: &Network, history: &History, at: usize) {
    network.calm().await;
    let line = Line::new(network, history.planner(at));
    let outcome = line.run().await.unwrap();
    assert!(outcome.is_complete(), "{outcome:?}");
    network.index();
    let again = line.plan().await.unwrap();
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(network.hub().broken.first(), None);
    for (device, twin) in &network.hub().twins {
        assert_right(history, at, device, twin);
    }
}

/// A twin holds what the revision wants, what others put there, and nothing else.
fn assert_right(history: &History, at: usize, device: &DeviceId, twin: &Stored) {
    let facts = Facts { id: device, tags: &twin.tags, reported: None, model_id: None };
    let wanted = history.resolver(at).wanted(&facts).unwrap().unwrap_or_default();
    for (wanted, theirs, live) in
        [(&wanted.tags, &twin.foreign_tags, &twin.tags), (&wanted.desired, &twin.foreign_desired, &twin.desired)]
    {
        for leaf in leaves(wanted) {
            let expected = (!leaf.value.is_null()).then_some(leaf.value);
            assert_eq!(get(live, &leaf.keys), expected, "{device}: {}", leaf.keys.join("."));
        }
        for leaf in leaves(live) {
            let is_marker = *leaf.keys[0] == *"twinops" && *leaf.keys[1] == *NAME;
            let is_empty = leaf.value.as_object().is_some_and(Map::is_empty);
            let known = is_marker || is_empty || [wanted, theirs].iter().any(|known| get(known, &leaf.keys).is_some());
            assert!(known, "{device}: {} is left", leaf.keys.join("."));
        }
    }
}

#[test]
fn simulated_runs_converge_whatever_goes_wrong() {
    let (runs, first) = (number("SIM_RUNS", 300), number("SIM_SEED", 1));
    let history = History::read();
    println!("{runs} runs, from SIM_SEED={first}");
    for seed in first..first + runs {
        let played = catch_unwind(AssertUnwindSafe(|| play(seed, campaign(seed, &history))));
        if let Err(fault) = played {
            eprintln!("once more: SIM_SEED={seed} SIM_RUNS=1");
            resume_unwind(fault);
        }
    }
}

#[test]
fn a_run_that_dies_at_any_step_is_finished_by_the_next() {
    let history = History::read();
    let mut steps = 0;
    for (seed, faults) in [(7, 0), (8, 30), (9, 30), (10, 60)] {
        for step in 1.. {
            let reached = play(seed, dies_at(step, seed, faults, &history));
            steps += 1;
            if reached < step {
                break;
            }
        }
    }
    println!("{steps} steps");
    assert!(steps > 100, "the runs have steps: {steps}");
}

/// A run that is killed at a step, and the next one; how many steps there were.
async fn dies_at(step: usize, seed: u64, faults: u32, history: &History) -> usize {
    let mut rng = Rng::with_seed(seed);
    let network = Network::new(populated(&mut rng), rng.fork(), faults);
    Line::new(&network, history.planner(2)).run().await;
    others_write(&mut rng, &mut network.hub());
    let reached = killed(Line::new(&network, history.planner(3)).run(), step).await;
    in_order(&network, history, 3).await;
    reached
}

#[test]
fn two_reconcilers_at_once_converge_and_do_not_write_against_each_other() {
    let history = History::read();
    for seed in 1..40 {
        play(seed, async {
            let mut rng = Rng::with_seed(seed);
            let network = Network::new(populated(&mut rng), rng.fork(), 50);
            for at in 0..REVISIONS {
                let lines = [at, at, at].map(|at| Line::new(&network, history.planner(at)));
                tokio::join!(lines[0].run(), lines[1].run(), lines[2].run());
            }
            in_order(&network, &history, REVISIONS - 1).await;
        });
    }
}
