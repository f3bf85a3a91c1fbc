//! `twinops import --configurations`: what IoT Hub configurations say becomes profiles.

use super::{open, options, write_files};
use crate::{
    cli::{Exit, Failure, access::Twins, args::ImportArgs, prepare::Desk},
    component::Registry,
    import,
};

/// Reads the configurations, makes profiles of them, and writes a fleet: all of it, or nothing.
pub(super) async fn run(args: &ImportArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let (Twins::Hub(hub), hostname) = open(args, desk.ca)? else {
        return Err(Failure::usage("a snapshot holds no configurations"));
    };
    let all = hub.configurations().await?;
    let registry = Registry::builtin();
    let made = import::profiles(&all, &options(args, hostname)?, &registry)
        .map_err(|error| Failure::from(error).help("nothing was written; keep such a path out with `--skip PATH`"))?;
    for (id, reason) in &made.left_out {
        desk.printer.warn(format_args!("the configuration `{id}` is left out: {reason}"));
    }
    if made.profiles == 0 {
        return Err(Failure::new(Exit::Failed, "there is no configuration to import"));
    }
    if made.renumbered {
        desk.printer
            .warn("configurations share a priority, which profiles may not: all are numbered anew, in their order");
    }
    write_files(args, &made.files)?;
    let dir = args.dir.display();
    desk.printer.result(|out| {
        write!(
            out,
            "{} of {} configurations are profiles in {dir}\n\nNext:\n  twinops validate {dir}\n  git add {dir} && git \
             commit\n  twinops plan --fleet {dir}     # no value is to change\n\nAs long as a configuration is there, what it \
             writes is contested and left to it: delete it once its profile is committed.\n",
            made.profiles,
            all.len(),
        )
    })?;
    Ok(Exit::Done)
}
