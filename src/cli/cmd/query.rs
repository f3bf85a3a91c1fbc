//! `twinops query`: a statement to the hub, a JSON value a line back.

use futures_util::{StreamExt as _, pin_mut};
use serde_json::value::RawValue;

use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access},
        args::QueryArgs,
        login,
        prepare::Desk,
    },
    query::Query,
    reconcile::ports::Page,
};

/// Asks and prints the rows as they come: `twinops query 'SELECT * FROM devices' > twins.jsonl` is a snapshot.
pub(crate) async fn run(args: &QueryArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let query = Query::parse(&args.statement).map_err(|error| {
        Failure::new(Exit::Usage, error).help("the grammar is that of Azure IoT Hub: SELECT … FROM devices WHERE …")
    })?;
    access::warn_of(query.doubts(), desk.printer);
    let hub = login::hub(Access { hub: &args.hub, ca: desk.ca })?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let pages = hub.query(&args.statement);
    pin_mut!(pages);
    while let Some(page) = pages.next().await {
        let Page::Array(text) = page?.page else { continue };
        let mut rows: Vec<&RawValue> = serde_json::from_slice(&text)?;
        rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= rows.len() as u64;
        desk.printer.result(|out| rows.iter().try_for_each(|row| writeln!(out, "{}", row.get())))?;
        if left == 0 {
            break;
        }
    }
    Ok(Exit::Done)
}
