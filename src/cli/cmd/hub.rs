//! stub
use crate::{
    cli::{Exit, Failure, args::HubArgs, prepare::Desk},
    task::Stop,
};
pub(crate) async fn run(_args: &HubArgs, _desk: &Desk<'_>, _stop: &Stop) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
