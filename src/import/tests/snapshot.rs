//! Snapshots as fleets have them, and how much smaller their repository is.

use serde_json::{Value, json};

use super::{imported, options, twin};
use crate::import::render;

/// Numbers that are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

const SITES: [&str; 8] = ["oslo", "berlin", "rome", "bern", "paris", "london", "madrid", "wien"];

/// What a device of this kind wants: most by its role, some by its site or ring, a little its own.
fn desired(numbers: &mut Numbers, role: &str, site: &str, ring: &str, n: usize) -> Value {
    let south = ["rome", "madrid"].contains(&site);
    let mut all = json!({
        "monitoring": { "interval": 60, "sinks": ["a", "b", "c"], "labels": { "owner": "operations", "tier": "2", "site": site } },
        "logging": { "level": if ring == "canary" { "debug" } else { "info" }, "keep": { "days": 14, "sizeMiB": 512 } },
        "network": { "uplink": "10.0.0.1:9000", "dns": ["10.0.0.2", "10.0.0.3"], "mtu": 1500, "zone": if south { "south" } else { "north" } }
    });
    let own = match role {
        "kiosk" => (
            "windows",
            json!({
            "timeInfo": { "ntpServer": "time.contoso.example", "timeZoneKeyName": "W. Europe Standard Time",
                "dynamicDaylightTimeDisabled": false, "timeZoneBias": -60, "timeZoneDaylightBias": -60,
                "timeZoneDaylightDate": "0000-03-05T02:00:00Z", "timeZoneDaylightDayOfWeek": 0,
                "timeZoneDaylightName": "CEST", "timeZoneStandardBias": 0, "timeZoneStandardDayOfWeek": 0,
                "timeZoneStandardDate": "0000-10-05T03:00:00Z", "timeZoneStandardName": "CET" },
            "windowsTelemetry": { "level": "basic" } }),
        ),
        "gateway" => (
            "time",
            json!({ "__t": "c", "timeZone": if south { "Europe/Rome" } else { "Europe/Berlin" },
            "ntp": { "enabled": true, "servers": ["time.contoso.example"] } }),
        ),
        _ => (
            "till",
            json!({ "currency": "EUR", "receipt": { "lines": 40, "logo": "contoso", "footer": "Thank you\nCome again\n" },
            "drawer": { "kick": 120, "sound": true }, "display": { "brightness": 80, "idle": "off" } }),
        ),
    };
    all[own.0] = own.1;
    if numbers.below(20) == 0 {
        all["monitoring"]["interval"] = json!(5 + n % 50);
    }
    if numbers.below(40) == 0 {
        all["logging"]["keep"] = json!({});
    }
    all["$metadata"] = json!({ "$lastUpdated": "2026-11-23T03:00:00Z" });
    all["$version"] = json!(n);
    all
}

/// A fleet of 200 devices, another for each seed.
fn snapshot(seed: u64) -> Vec<(String, Value, Value)> {
    let mut numbers = Numbers(seed);
    (0..200)
        .map(|n| {
            let (role, site) = (*numbers.pick(&["kiosk", "gateway", "till"]), *numbers.pick(&SITES));
            let ring = if numbers.below(10) == 0 { "canary" } else { "rest" };
            let tags = json!({ "role": role, "site": site, "ring": ring, "serial": format!("SN{n:05}"), "floor": numbers.below(4) });
            let desired = desired(&mut numbers, role, site, ring, n);
            (format!("device-{n:04}"), tags, desired)
        })
        .collect()
}

/// What one full document for each device would take.
fn naive(snapshot: &[(String, Value, Value)]) -> usize {
    let document = |(id, tags, desired): &(String, Value, Value)| {
        let mut desired = desired.as_object().unwrap().clone();
        desired.retain(|key, _| !key.starts_with('$'));
        render::device(id, tags.as_object().unwrap(), &desired).len()
    };
    snapshot.iter().map(document).sum()
}

#[test]
fn a_repository_is_at_most_a_tenth_of_one_document_for_each_device() {
    for seed in 0..8 {
        let snapshot = snapshot(seed);
        let twins: Vec<String> =
            snapshot.iter().map(|(id, tags, desired)| twin(id, tags.clone(), desired.clone())).collect();
        let imported = imported(&twins, options());
        assert_eq!(imported.left_out, []);
        let files = imported.files.iter().filter(|(path, _)| !path.starts_with("schemas/"));
        let (written, naive): (usize, usize) = (files.map(|(_, text)| text.len()).sum(), naive(&snapshot));
        assert!(
            written * 10 <= naive,
            "seed {seed}: {written} of {naive} bytes, {} profiles, {} overrides",
            imported.profiles,
            imported.overrides
        );
    }
}

#[test]
fn the_order_of_twins_does_not_matter_to_profiles() {
    let mut twins: Vec<String> =
        snapshot(3).iter().map(|(id, tags, desired)| twin(id, tags.clone(), desired.clone())).collect();
    let there = imported(&twins, options());
    twins.reverse();
    let back = imported(&twins, options());
    let profiles = |imported: &crate::import::Imported| {
        let mut profiles = imported.files.clone();
        profiles.retain(|path, _| path.starts_with("profiles/"));
        profiles
    };
    assert_eq!(profiles(&there), profiles(&back));
}
