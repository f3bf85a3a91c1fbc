//! One rollout from its first commit to its last. Each step is a process of its own on a clone of its own: nothing is
//! remembered but what twins and git hold.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::stage::Stage;

/// Devices and their rings. Two canaries, one of which is not switched on at first; and the rest, one of which never is.
const DEVICES: [(&str, &str); 5] =
    [("canary-1", "canary"), ("canary-2", "canary"), ("kiosk-1", "wide"), ("kiosk-2", "wide"), ("kiosk-off", "wide")];

/// Where the message of the day lies, and what it says. Agents refuse what lies outside `/srv`.
fn fleet(path: &str, message: &str, on_failure: &str, approval: &str) -> String {
    let mut text = format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
---
apiVersion: twinops/v1
kind: Profile
metadata: {{ name: kiosk }}
spec:
  where: tags.role = 'kiosk'
  desired:
    files:
      motd: {{ path: {path}, content: \"{message}\\n\" }}
---
apiVersion: twinops/v1
kind: Rollout
metadata: {{ name: kiosks }}
spec:
  where: tags.role = 'kiosk'
  waves:
    - {{ name: canary, where: \"tags.ring = 'canary'\" }}
    - {{ name: rest, approval: {approval} }}
  gate: {{ compliant: 100%, failed: 0%, soak: 1s, timeout: 1h }}
  onFailure: {on_failure}
"
    );
    for (device, ring) in DEVICES {
        let _ = write!(
            text,
            "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {device} }}\n\
             spec: {{ identity: {{ type: sas }}, tags: {{ role: kiosk, ring: {ring} }} }}\n"
        );
    }
    text
}

struct Rollout {
    stage: Stage,
}

impl Rollout {
    fn commit(&self, text: String) -> String {
        self.stage.write("fleet.yaml", text);
        self.stage.commit("A change");
        self.stage.head()
    }

    /// Reconciles once; whether nothing is held any more.
    fn reconcile(&self) -> bool {
        let ran = self.stage.run_afresh(&["reconcile"]);
        ran.exits_with(&[0, 7]) == 0
    }

    fn state(&self) -> Value {
        let told = self.stage.run_afresh(&["status", "--rollout", "kiosks", "--format", "json"]).exits(0).out;
        serde_json::from_str::<Value>(&told).unwrap()["rollouts"][0].clone()
    }

    /// Reconciles until the rollout is as it should be; the test's own time limit ends it otherwise.
    fn until(&self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            self.reconcile();
            let state = self.state();
            if is(&state) {
                return state;
            }
        }
    }

    fn until_done(&self) {
        self.until(|state| state["phase"] == "done" && state["waves"][1]["compliant"] == 2);
        assert!(self.reconcile(), "nothing is held");
    }

    fn twin(&self, device: &str) -> Value {
        self.stage.twin(device).unwrap()
    }

    fn message(&self, device: &str) -> Value {
        self.twin(device)["properties"]["desired"]["files"]["motd"]["content"].clone()
    }

    fn marker(&self, device: &str) -> Value {
        self.twin(device)["tags"]["twinops"]["walk"].clone()
    }

    fn messages(&self) -> [Value; 5] {
        DEVICES.map(|(device, _)| self.message(device))
    }
}

fn all(canary: &str, rest: &str) -> [Value; 5] {
    [canary, canary, rest, rest, rest].map(|message| json!(format!("{message}\n")))
}

#[test]
fn every_step_of_a_rollout_can_be_taken_by_a_machine_that_knows_nothing() {
    let mut rollout = Rollout { stage: Stage::new() };
    let good = |message: &str| fleet("/srv/motd", message, "rollback", "none");

    // The first commit: the canary alone is registered. One canary is switched on, and is enough to open the rest.
    let first = rollout.commit(good("one"));
    assert!(!rollout.reconcile(), "the rest is held");
    assert!(rollout.stage.twin("canary-1").is_some() && rollout.stage.twin("kiosk-1").is_none());
    assert_eq!(rollout.state()["hold"]["reason"], "nobody", "no canary has been heard of");
    rollout.stage.start_device("canary-1");
    rollout.until(|_| rollout.stage.twin("kiosk-1").is_some());
    for device in ["kiosk-1", "kiosk-2"] {
        rollout.stage.start_device(device);
    }
    rollout.until_done();
    assert_eq!(rollout.messages(), all("one", "one"), "twins of devices that are off are written as well");
    assert_eq!(rollout.marker("kiosk-off")["revision"], json!(first));

    // A second one, and a third before it has gone further than the canary: that starts again there, and the rest
    // goes from the first to the third.
    rollout.commit(good("two"));
    assert!(!rollout.reconcile());
    rollout.stage.run_afresh(&["reconcile", "--device", "kiosk-1"]).exits(7);
    assert_eq!(rollout.messages(), all("two", "one"), "whoever asks for one device alone does not jump the queue");
    let third = rollout.commit(good("three"));
    let planned = rollout.stage.run_afresh(&["plan"]).exits(0).out;
    assert!(planned.contains("2 to change, 3 held by rollouts"), "{planned}");
    assert!(!rollout.reconcile());
    assert_eq!(rollout.messages(), all("three", "one"));
    // The canary that was off returns, and is one of those that are waited for.
    rollout.stage.start_device("canary-2");
    rollout.until(|state| state["waves"][0]["compliant"] == 2);
    rollout.until_done();
    assert_eq!(rollout.messages(), all("three", "three"));
    assert_eq!(rollout.marker("kiosk-1")["previous"], json!(first));

    // A commit that devices refuse: the canary goes back, once, and the commit is not tried again.
    let bad = rollout.commit(fleet("/etc/motd", "four", "rollback", "none"));
    let state = rollout.until(|state| state["hold"]["reason"] == "rejected");
    assert_eq!(state["phase"], "rejected", "{state}");
    assert_eq!(rollout.messages(), all("three", "three"));
    assert_eq!(rollout.marker("canary-1")["revision"], json!(third));
    assert_eq!(rollout.marker("canary-1")["rejected"], json!(bad));
    let before = rollout.twin("canary-1")["etag"].clone();
    assert!(!rollout.reconcile());
    assert_eq!(rollout.twin("canary-1")["etag"], before, "it is written once");

    // A commit that wants something else is tried. Its gate would only pause, and somebody has to approve the rest.
    let careful = |path: &str, message: &str| fleet(path, message, "pause", "required");
    let fifth = rollout.commit(careful("/srv/motd", "five"));
    rollout.until(|state| state["hold"]["reason"] == "approval");
    assert_eq!(rollout.messages(), all("five", "three"));
    assert_eq!(rollout.marker("canary-1").get("rejected"), None);
    let approval = format!(
        "apiVersion: twinops/v1\nkind: Approval\nmetadata: {{ name: rest }}\n\
         spec: {{ rollout: kiosks, wave: rest, revision: \"{fifth}\", by: somebody, until: 9999-12-31 }}\n"
    );
    rollout.stage.write("approval.yaml", approval);
    rollout.stage.commit("The rest may follow");
    rollout.until_done();
    assert_eq!(rollout.messages(), all("five", "five"));

    // A failure pauses it; whoever mends it starts again at the canary, and the old approval does not hold.
    rollout.commit(careful("/etc/motd", "six"));
    let state = rollout.until(|state| state["phase"] == "paused");
    assert_eq!(state["hold"]["reason"], "failed", "{state}");
    assert_eq!(rollout.messages(), all("six", "five"), "nothing goes back");
    let told = rollout.stage.run_afresh(&["status", "--rollout"]).exits(0).out;
    assert!(told.contains("paused") && told.contains("canary-1"), "{told}");
    rollout.commit(careful("/srv/motd", "seven"));
    rollout.until(|state| state["hold"]["reason"] == "approval");
    assert_eq!(rollout.messages(), all("seven", "five"));
    rollout.stage.run_afresh(&["reconcile", "--approve", "kiosks/rest"]).exits(0);
    assert_eq!(rollout.messages(), all("seven", "seven"));
    rollout.stage.run_afresh(&["reconcile", "--approve", "kiosks/nobody"]).exits(64);
}

#[test]
fn a_reconciler_that_stays_opens_wave_after_wave_by_itself() {
    let mut stage = Stage::new();
    stage.write("fleet.yaml", fleet("/srv/motd", "one", "pause", "none"));
    stage.commit("A change");
    let words = ["reconcile", "--watch", "--poll", "500ms", "--events", "-", "--format", "text", "--quiet"];
    let mut watcher = stage.start(&words);
    let mut applied = |device: &str| while !watcher.await_line("\"event\":\"applied\"").contains(device) {};
    applied("canary-1");
    stage.start_device("canary-1");
    // Nobody commits, and nobody pushes: the soak ends, and the wave is opened.
    applied("kiosk-1");
    watcher.interrupt();
}
