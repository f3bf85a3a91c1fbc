//! stub
use crate::{
    cli::{Exit, Failure, args::UpArgs, prepare::Desk},
    task::Stop,
};
pub(crate) async fn run(_args: &UpArgs, _desk: &Desk<'_>, _stop: &Stop) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
