//! The way to the hub.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::{Request, Uri, header::DATE};
use jiff::fmt::rfc2822;
use rustls::{CertificateError, Error as RustlsError};
use tokio::net::lookup_host;

use super::{Report, certificate::Facts, identity};
use crate::agent::{
    Transport,
    link::Settings,
    net::{self, NetError, Seen, chain},
};

/// A clock that is so far off makes tokens of no use, in seconds; hubs allow five minutes.
const MOST_OFF: u64 = 300;
/// A clock that is so far off is worth a word.
const NOTABLE: u64 = 30;

/// All steps from the name of the hub to its word.
pub(super) async fn hub(settings: &Settings, report: &mut Report) {
    let (host, port) = settings.https();
    let proxy = settings.proxies.of(&host).map(ToString::to_string);
    let mqtt_alone = settings.transport == Transport::Mqtt;
    if !names(settings, &host, proxy.is_some(), report).await {
        for step in ["ports", "tls", "clock", "identity"] {
            report.skip(step, "the hub's name is not known");
        }
        return;
    }
    if let Some(proxy) = &proxy {
        report.ok("proxy", format!("`{host}` is reached through {proxy}"));
    }
    let mqtt = settings.transport != Transport::WebSocket && mqtt_port(settings, mqtt_alone, report).await;
    let https = https_port(settings, &host, port, report).await;
    if !https {
        report.skip("tls", "the port of HTTPS is closed");
        report.skip("clock", "nobody tells the time");
    } else if trust(settings, &host, port, report).await {
        clock(settings, &host, port, report).await;
    } else {
        report.skip("clock", "nobody who is trusted tells the time");
    }
    let by_websocket = !mqtt || (proxy.is_some() && !mqtt_alone);
    if mqtt || (https && !mqtt_alone) {
        identity(settings, by_websocket, report).await;
    } else {
        report.fail("ports", "there is no way to the hub", "open one of these ports, or name the proxy with --proxy");
        report.skip("identity", "there is no way to the hub");
    }
}

async fn names(settings: &Settings, host: &str, proxied: bool, report: &mut Report) -> bool {
    match lookup_host((host, 0)).await {
        Ok(addresses) => {
            let addresses: Vec<String> = addresses.map(|address| address.ip().to_string()).collect();
            report.ok("dns", format!("`{host}` is {}", addresses.join(", ")));
        }
        Err(_) if proxied && settings.transport != Transport::Mqtt => {
            report.ok("dns", format!("`{host}` is not known here; the proxy looks it up"));
        }
        Err(fault) => {
            report.fail("dns", format!("`{host}` cannot be looked up: {fault}"), "check HostName and /etc/resolv.conf");
            return false;
        }
    }
    true
}

async fn mqtt_port(settings: &Settings, needed: bool, report: &mut Report) -> bool {
    let at = settings.mqtt.to_string();
    match net::direct(&settings.mqtt.host, settings.mqtt.port).await {
        Ok(_) => {
            report.ok("ports", format!("{at} is open for MQTT"));
            true
        }
        Err(fault) if needed => {
            report.fail("ports", chain(&fault), "open that port in the firewall, or leave --transport mqtt out");
            false
        }
        Err(fault) => {
            report.warn("ports", chain(&fault), "open that port in the firewall; WebSocket is used instead");
            false
        }
    }
}

async fn https_port(settings: &Settings, host: &str, port: u16, report: &mut Report) -> bool {
    match net::open(&settings.proxies, host, port).await {
        Ok(_) => {
            report.ok("ports", format!("{host}:{port} is open for HTTPS"));
            true
        }
        Err(fault) => {
            let remedy = match fault {
                NetError::Proxy { status, .. } if status.as_u16() == 407 => {
                    "give the proxy's user and password with --proxy-file"
                }
                NetError::Proxy { .. } => "have the proxy let this host and port through",
                _ => "open that port in the firewall; behind a proxy give --proxy",
            };
            report.warn("ports", chain(&fault), remedy);
            false
        }
    }
}

/// Whether the hub shows a certificate that is trusted; tells which one it is.
async fn trust(settings: &Settings, host: &str, port: u16, report: &mut Report) -> bool {
    let mut trust = settings.trust();
    let (config, seen) = match trust.config().and_then(|_| Seen::watching(settings.ca.as_deref())) {
        Ok(watched) => watched,
        Err(fault) => {
            report.fail("tls", chain(&fault), "see to that file");
            return false;
        }
    };
    let stream = match net::open(&settings.proxies, host, port).await {
        Ok(stream) => stream,
        Err(fault) => {
            report.fail("tls", chain(&fault), "try again");
            return false;
        }
    };
    let secured = net::secure(stream, host, &config).await;
    let shown = seen.chain().last().and_then(|last| Facts::read(last)).map(|facts| facts.to_string());
    let shown = shown.unwrap_or_else(|| "no certificate that can be read".to_owned());
    match secured {
        Ok(_) => {
            report.ok("tls", format!("the hub shows a certificate {shown}"));
            true
        }
        Err(fault) => {
            report.fail("tls", format!("{}; it shows a certificate {shown}", chain(&fault)), remedy(&fault));
            false
        }
    }
}

/// What helps against a certificate that is not trusted.
fn remedy(fault: &NetError) -> &'static str {
    let NetError::Tls { cause, .. } = fault else { return "try again" };
    let cause = cause.get_ref().and_then(|cause| cause.downcast_ref::<RustlsError>());
    match cause {
        Some(RustlsError::InvalidCertificate(fault)) => match fault {
            CertificateError::UnknownIssuer => {
                "name the PEM file of that authority with --ca, or see who is in between"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "connect by a name that the certificate has"
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                "check the clock of this device, then renew the certificate"
            }
            _ => "have the hub show another certificate",
        },
        _ => "see whether a firewall or a proxy in between ends TLS; a proxy is named with --proxy",
    }
}

/// How far this clock is from the hub's.
async fn clock(settings: &Settings, host: &str, port: u16, report: &mut Report) {
    let Some(hub) = hub_time(settings, host, port).await else {
        return report.warn("clock", "the hub does not tell the time", "compare the clock by hand");
    };
    let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let off = own.abs_diff(hub);
    let found = format!("{off} seconds from the hub's, {}", if own > hub { "fast" } else { "slow" });
    let remedy = "set the clock, and have systemd-timesyncd or chrony keep it";
    match off {
        0..NOTABLE => report.ok("clock", format!("{off} seconds from the hub's")),
        NOTABLE..MOST_OFF => report.warn("clock", found, remedy),
        _ => report.fail("clock", found, remedy),
    }
}

async fn hub_time(settings: &Settings, host: &str, port: u16) -> Option<u64> {
    let tls = settings.trust().config().ok()?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let uri: Uri = format!("https://{host}:{port}/").parse().ok()?;
    let answer = net::exchange(&settings.proxies, &tls, &uri, Request::get("/"), String::new());
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await.ok()?.ok()?;
    let date = answer.response.headers().get(DATE)?.to_str().ok()?;
    u64::try_from(rfc2822::parse(date).ok()?.timestamp().as_second()).ok()
}
