//! A snapshot to import: four roles at fifty sites, a tag that every device has to itself, and a device's own report.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

use serde_json::{Value, json};

use crate::support::Numbers;

const ROLES: [&str; 4] = ["kiosk", "gateway", "signage", "till"];
const SITES: u64 = 50;

/// Writes it; one device in `own` has values of its own. How many bytes it has.
pub(crate) fn write(path: &Path, size: u64, own: u64) -> u64 {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("a snapshot file"));
    let mut numbers = Numbers::new(11);
    for index in 0..size {
        let (role, place) = (*numbers.pick(&ROLES), numbers.below(SITES));
        let ring = if numbers.below(20) == 0 { "canary" } else { "rest" };
        let own = (index % own == 0).then_some(index);
        writeln!(out, "{}", twin(index, role, place, ring, own)).expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    fs::metadata(path).expect("just written").len()
}

fn twin(index: u64, role: &str, site: u64, ring: &str, own: Option<u64>) -> Value {
    let mut desired = json!({
        "monitoring": { "interval": 60, "sinks": ["a", "b", "c"], "labels": { "owner": "operations", "tier": "2" } },
        "logging": { "level": if ring == "canary" { "debug" } else { "info" }, "keep": { "days": 14, "sizeMiB": 512 } },
        "network": { "uplink": format!("10.{site}.0.1:9000"), "dns": ["10.0.0.2", "10.0.0.3"], "mtu": 1500 },
        "$metadata": { "$lastUpdated": "2026-11-23T03:00:00.0000000Z" }, "$version": index
    });
    let (name, section) = match role {
        "kiosk" => (
            "windows",
            json!({ "timeInfo": { "ntpServer": "time.contoso.example", "timeZoneKeyName": "W. Europe Standard Time",
                "dynamicDaylightTimeDisabled": false, "timeZoneBias": -60, "timeZoneDaylightBias": -60,
                "timeZoneDaylightDate": "0000-03-05T02:00:00Z", "timeZoneDaylightDayOfWeek": 0,
                "timeZoneDaylightName": "CEST", "timeZoneStandardBias": 0, "timeZoneStandardDayOfWeek": 0,
                "timeZoneStandardDate": "0000-10-05T03:00:00Z", "timeZoneStandardName": "CET" },
                "windowsTelemetry": { "level": "basic" } }),
        ),
        "gateway" => (
            "time",
            json!({ "__t": "c", "timeZone": if site < 10 { "Europe/Rome" } else { "Europe/Berlin" },
            "ntp": { "enabled": true, "servers": ["time.contoso.example"] } }),
        ),
        "signage" => (
            "signage",
            json!({ "channel": "stable", "brightness": 70, "playlist": "https://content.example/list.json" }),
        ),
        _ => (
            "till",
            json!({ "currency": "EUR", "receipt": { "lines": 40, "logo": "contoso" }, "drawer": { "kick": 120 } }),
        ),
    };
    desired[name] = section;
    if let Some(own) = own {
        desired["monitoring"]["labels"]["asset"] = json!(format!("A-{own:07}"));
        desired["network"]["mtu"] = json!(1200 + own % 300);
    }
    json!({
        "deviceId": format!("device-{index:07}"), "etag": "AAAAAAAAAAE=", "version": 4, "status": "enabled",
        "connectionState": "Connected", "lastActivityTime": "2026-11-23T03:00:00.0000000Z", "authenticationType": "sas",
        "tags": { "role": role, "site": format!("site-{site:02}"), "ring": ring, "serial": format!("SN-{index:07}") },
        "properties": { "desired": desired, "reported": {
            "deviceInfo": { "__t": "c", "manufacturer": "Contoso", "model": "Box 3", "os": { "name": "debian", "version": "12" },
                "hostName": format!("box-{index:07}"), "architecture": "x64", "totalMemoryMiB": 3941 },
            "network": { "interfaces": { "eth0": { "mac": "00:00:5e:00:53:01", "addresses": ["192.0.2.17", "2001:db8::17"] } } },
            "storage": { "root": { "totalMiB": 29554, "freeMiB": 17120 }, "data": { "totalMiB": 97_600, "freeMiB": 88012 } },
            "$metadata": { "$lastUpdated": "2026-11-23T03:00:00.0000000Z" }, "$version": 3
        } }
    })
}
