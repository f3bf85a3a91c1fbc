//! Planning over a snapshot: twins per second, and the memory it takes.
//!
//! `cargo bench --bench plan` plans 10,000 and then 1,000,000 twins of about 2 KB, 1 % of which need a change. The
//! snapshot is a file of JSON lines, as `twinops query 'SELECT * FROM devices'` prints them. The floor beside it is what it costs to read
//! and parse every line into a tree, without comparing anything.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use serde_json::{Value, json};
use support::{Cost, Folder, Numbers, again, figure, heading, peak_mb, timed};
use twinops::{
    client::Snapshot,
    component::Registry,
    fleet::{
        DocumentRef, Fleet, Profile,
        resolve::{Resolver, Secrets},
    },
    plan::{NoBases, Plan, Planner},
    query::Condition,
    reconcile::{ports::TwinRead as _, survey},
    twin::{Map, TwinRow, merge},
};

const ROLES: [&str; 4] = ["kiosk", "gateway", "signage", "till"];
const SITES: u64 = 50;
/// One twin in so many is not as it should be.
const OFF: u64 = 100;

fn main() {
    if let Some(words) = support::words() {
        let [what, path, size] = words.as_slice() else { unreachable!("three words, below") };
        let (path, size) = (Path::new(path), size.parse().expect("a number, below"));
        return if what == "floor" { run_floor(path, size) } else { run(path, size) };
    }
    let folder = Folder::new("plan");
    let mut sizes = vec![10_000, support::size(1_000_000)];
    sizes.dedup();
    for size in sizes {
        let path = folder.path().join(format!("{size}.jsonl"));
        let bytes = write_snapshot(&path, size);
        heading(&format!("{size} twins, {} bytes each, 1 in {OFF} to be changed", bytes / size));
        let (path, size) = (path.to_string_lossy(), size.to_string());
        again(&["plan", &path, &size]);
        again(&["floor", &path, &size]);
    }
}

fn run(path: &Path, size: u64) {
    let planner = Arc::new(planner());
    let (plan, cost) = timed(|| plan(path, planner));
    let changed: usize = plan.groups.iter().map(|group| group.devices.len()).sum();
    assert_eq!(plan.counts.examined, size);
    assert_eq!(changed as u64, size / OFF, "the plan finds what is off, and nothing else");
    if size <= 10_000 {
        figure("plan", cost.time.as_secs_f64() * 1e3, "ms", "200");
        figure("  most memory held", peak_mb(), "MB", "100");
    } else {
        figure("plan", cost.time.as_secs_f64(), "s", "-");
        figure("  most memory held", peak_mb(), "MB", "300");
    }
    figure("  twins a second", cost.rate(size), "twins/s", "150,000");
    figure("  processor time a twin", cost.each(size), "us", "13 (two processors)");
}

fn run_floor(path: &Path, size: u64) {
    let (count, cost) = floor(path);
    assert_eq!(count, size);
    figure("floor: read and parse each line into a tree, one thread", cost.rate(size), "twins/s", "-");
    figure("  processor time a twin", cost.each(size), "us", "-");
}

fn plan(path: &Path, planner: Arc<Planner>) -> Plan {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async move {
        let snapshot = Snapshot::new(path);
        let pages = snapshot.twins("SELECT * FROM devices");
        let collected = survey::plan(pages, planner, &|_| true, survey::Rollouts::Ignored).await.expect("a plan");
        collected.expect("no findings")
    })
}

fn floor(path: &Path) -> (u64, Cost) {
    timed(|| {
        let file = BufReader::with_capacity(1 << 20, File::open(path).expect("the snapshot"));
        let tree = |line: std::io::Result<String>| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON");
        file.lines().map(tree).filter(Value::is_object).count() as u64
    })
}

/// Five profiles: one for all, one for each of some roles, one by site.
fn planner() -> Planner {
    let base = json!({
        "time": { "timeZone": "Europe/Berlin", "ntp": { "enabled": true, "servers": ["time.contoso.example"] } },
        "monitoring": { "interval": 60, "sinks": ["a", "b", "c"], "labels": { "owner": "operations", "tier": "2" } }
    });
    let kiosk = json!({
        "windows": { "timeInfo": { "ntpServer": "time.contoso.example", "timeZoneKeyName": "W. Europe Standard Time",
                "dynamicDaylightTimeDisabled": false, "timeZoneBias": -60, "timeZoneDaylightBias": -60,
                "timeZoneDaylightDate": "0000-03-05T02:00:00Z", "timeZoneDaylightDayOfWeek": 0,
                "timeZoneDaylightName": "CEST", "timeZoneStandardBias": 0, "timeZoneStandardDayOfWeek": 0,
                "timeZoneStandardDate": "0000-10-05T03:00:00Z", "timeZoneStandardName": "CET" },
            "windowsUpdatePolicy": { "applyProperties": { "activeHoursStart": 7, "activeHoursEnd": 20,
                "allowAutoUpdate": 3, "scheduledInstallTime": 3 }, "reportProperties": "yes" } }
    });
    let gateway = json!({ "gateway": { "upstream": "10.0.0.1:9000", "buffers": { "rx": 4096, "tx": 4096 } } });
    let till = json!({ "till": { "currency": "EUR", "receipt": { "lines": 40, "logo": "contoso" } } });
    let south = json!({ "time": { "timeZone": "Europe/Rome" } });
    let profiles = [
        ("base", None, 0, base),
        ("kiosk", Some("tags.role = 'kiosk'"), 10, kiosk),
        ("gateway", Some("tags.role = 'gateway'"), 10, gateway),
        ("till", Some("tags.role = 'till'"), 10, till),
        ("south", Some("tags.site IN ['site-01', 'site-02', 'site-03']"), 20, south),
    ];
    let profile = |(name, condition, priority, desired): (&str, Option<&str>, i64, Value)| {
        let Value::Object(desired) = desired else { unreachable!("written above") };
        let condition = condition.map(|text| Condition::parse(text).expect("a condition"));
        let document = DocumentRef { file: format!("profiles/{name}.yaml").into(), document: 0 };
        Arc::new(Profile { name: name.into(), document, condition, priority, desired })
    };
    let fleet = Fleet { name: "bench".to_owned(), profiles: profiles.map(profile).into(), ..Fleet::default() };
    let registry = Arc::new(Registry::builtin());
    let resolver = Resolver::new(Arc::new(fleet), registry, Secrets::none());
    Planner::new(Arc::new(resolver), "1111111111111111111111111111111111111111", Box::new(NoBases), date())
}

fn date() -> jiff::civil::Date {
    jiff::civil::date(2026, 1, 1)
}

/// Twins as a hub would send them after a run of this fleet, with the device's own report; every hundredth edited.
/// How many bytes that is.
fn write_snapshot(path: &Path, size: u64) -> u64 {
    let planner = planner();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("a snapshot file"));
    let mut numbers = Numbers::new(7);
    let classes = (0..SITES).flat_map(|site| ROLES.map(|role| (role, site)));
    let templates: Vec<String> = classes.map(|(role, site)| template(&planner, role, site)).collect();
    for index in 0..size {
        let mut line = numbers
            .pick(&templates)
            .replace("DEVICE", &format!("device-{index:07}"))
            .replace("ETAG", &format!("AAAAAAA{index:07}="))
            .replace("SECOND", &format!("{:02}", numbers.below(60)));
        if index % OFF == 0 {
            line = line.replace("\"interval\":60", "\"interval\":61");
        }
        out.write_all(line.as_bytes()).expect("room on the disk");
        out.write_all(b"\n").expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    std::fs::metadata(path).expect("just written").len()
}

fn template(planner: &Planner, role: &str, site: u64) -> String {
    let site = format!("site-{site:02}");
    let mut tags: Map = [("role".to_owned(), json!(role)), ("site".to_owned(), json!(site))].into_iter().collect();
    let row = json!({ "deviceId": "d", "etag": "e", "tags": tags }).to_string();
    let look = planner.look(&TwinRow::parse(&row).expect("a twin")).expect("a look");
    let patch: Value = serde_json::from_str(look.change.expect("a first change").patch()).expect("a patch");
    merge(&mut tags, patch["tags"].as_object().expect("a marker"));
    let mut desired = patch["properties"]["desired"].clone();
    let stamp = json!({ "$lastUpdated": "2026-11-23T03:00:SECOND.0000000Z", "$lastUpdatedVersion": 2 });
    let metadata: Map = desired.as_object().expect("desired").keys().map(|key| (key.clone(), stamp.clone())).collect();
    desired["$metadata"] = Value::Object(metadata);
    desired["$version"] = json!(2);
    let acks = json!({ "value": "Europe/Berlin", "ac": 200, "av": 2, "ad": "applied" });
    let reported = json!({
        "time": { "__t": "c", "timeZone": acks, "ntp": acks },
        "deviceInfo": { "__t": "c", "manufacturer": "Contoso", "model": "Box 3", "os": { "name": "debian", "version": "12" },
            "hostName": "DEVICE", "architecture": "x64", "totalMemoryMiB": 3941, "bootTime": "2026-11-20T03:00:SECOND" },
        "network": { "interfaces": { "eth0": { "mac": "00:00:5e:00:53:01", "addresses": ["192.0.2.17", "2001:db8::17"],
            "mtu": 1500, "up": true }, "wlan0": { "mac": "00:00:5e:00:53:02", "addresses": [], "up": false } } },
        "storage": { "root": { "totalMiB": 29554, "freeMiB": 17120 }, "data": { "totalMiB": 97_600, "freeMiB": 88012 } },
        "$metadata": { "$lastUpdated": "2026-11-23T03:00:SECOND.0000000Z" }, "$version": 3
    });
    json!({
        "deviceId": "DEVICE", "etag": "ETAG", "version": 4, "status": "enabled", "connectionState": "Connected",
        "lastActivityTime": "2026-11-23T03:00:SECOND.0000000Z", "cloudToDeviceMessageCount": 0, "authenticationType": "sas",
        "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null }, "modelId": "",
        "tags": tags, "properties": { "desired": desired, "reported": reported }
    })
    .to_string()
}
