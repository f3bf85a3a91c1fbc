//! `twinops invoke`: calls a direct method of devices, and prints a line of JSON for each.

mod check;
mod steps;

use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::InvokeArgs,
        login,
        prepare::Desk,
    },
    client::HubClient,
    reconcile::ports::{HubError, Page},
    twin::DeviceId,
};

/// Calls, and prints what the devices answered as they answer.
pub(crate) async fn run(args: &InvokeArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let payload = steps::named(args, payload(args)?);
    let method = check::payload(args, &payload, desk.printer)?;
    let hub = Twins::Hub(Box::new(login::hub(Access { hub: &args.hub, ca: desk.ca })?));
    let devices = devices(&hub, args, desk).await?;
    let Twins::Hub(hub) = &hub else { return Ok(Exit::Failed) };
    if devices.is_empty() {
        desk.printer.warn("no device is selected");
    }
    check::budget(args, &devices)?;
    check::confirm(args, method.as_ref(), &devices, desk.printer)?;
    let calls = stream::iter(&devices).map(|device| call(hub, device, args, &payload));
    let mut answers = calls.buffer_unordered(args.concurrency.get());
    let mut well = true;
    while let Some((device, answer)) = answers.next().await {
        let told = match answer {
            Ok((status, payload)) => {
                well &= method.as_ref().map_or((200..300).contains(&status), |method| method.is_well(status));
                json!({ "deviceId": device, "status": status, "payload": payload })
            }
            Err(error) => {
                well = false;
                json!({ "deviceId": device, "error": error.to_string() })
            }
        };
        desk.printer.result(|out| writeln!(out, "{told}"))?;
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

async fn call<'d>(
    hub: &HubClient,
    device: &'d DeviceId,
    args: &InvokeArgs,
    payload: &Value,
) -> (&'d DeviceId, Result<(i64, Value), HubError>) {
    let once = async |payload: &Value| {
        let answer = hub.invoke_method(device, &args.method, payload, args.connect_timeout, args.timeout).await?;
        Ok((answer.status, answer.payload))
    };
    let first = once(payload).await;
    match steps::second(&args.method, payload, &first) {
        Some(payload) => (device, once(&payload).await),
        None => (device, first),
    }
}

async fn devices(hub: &Twins, args: &InvokeArgs, desk: &Desk<'_>) -> Result<Vec<DeviceId>, Failure> {
    let names = |page: Page| {
        let mut names = Vec::new();
        page.for_each(|row| names.extend(row.and_then(|row| row.id())))?;
        Ok::<_, crate::twin::RowError>(names)
    };
    // Named twice or selected besides: a method is called once all the same.
    let mut devices = args.select.devices.clone();
    devices.sort_unstable();
    devices.dedup();
    if args.select.condition.is_some() {
        let statement = access::statement(&args.select, desk.printer)?;
        let nobody = crate::cli::args::SelectArgs::default();
        let pages: Vec<Page> = access::selected(hub, None, &nobody, statement.as_deref()).try_collect().await?;
        for page in pages {
            devices.extend(names(page)?);
        }
    }
    Ok(devices)
}

fn payload(args: &InvokeArgs) -> Result<Value, Failure> {
    let wrong = |error| Failure::new(Exit::Usage, error).help("a payload is JSON, e.g. '{\"delay\": 3}'");
    match (&args.payload, &args.payload_file) {
        (Some(text), _) => serde_json::from_str(text).map_err(wrong),
        (None, Some(path)) if path == Path::new("-") => {
            serde_json::from_str(&std::io::read_to_string(std::io::stdin())?).map_err(wrong)
        }
        (None, Some(path)) => serde_json::from_str(&std::fs::read_to_string(path)?).map_err(wrong),
        (None, None) => Ok(Value::Null),
    }
}
