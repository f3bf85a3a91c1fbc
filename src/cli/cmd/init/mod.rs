//! `twinops init`: a fleet repository that passes `validate` at once, with the workflows that keep a fleet by it.

mod content;
mod next;
mod site;
#[cfg(test)]
mod tests;

use crate::cli::{
    Exit, Failure,
    args::InitArgs,
    new_files::{self, NewFilesError},
    prepare::Desk,
};

use site::Site;
pub(super) use site::name_of as fleet_name;

/// Writes the files, all or none, and says how to go on.
pub(crate) fn run(args: &InitArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let site = Site::find(args)?;
    let mut files = content::files(&site);
    if args.keep {
        let taken = new_files::taken(&site.top, &files);
        files.retain(|file| !taken.contains(&site.top.join(&file.path)));
        for path in taken {
            desk.printer.say(format_args!("kept {}", path.display()));
        }
    }
    new_files::write(&site.top, &files).map_err(|error| match error {
        NewFilesError::Taken(_) => Failure::from(error)
            .help("nothing was written; take another folder, or keep what is there and write the rest with `--keep`"),
        error @ NewFilesError::Write { .. } => error.into(),
    })?;
    let written = files.iter().map(|file| site.top.join(&file.path).display().to_string()).collect::<Vec<_>>();
    let next = next::commands(&site, args);
    desk.printer.result(|out| {
        written.iter().try_for_each(|path| writeln!(out, "wrote {}", path.trim_start_matches("./")))?;
        write!(out, "\n{next}")
    })?;
    Ok(Exit::Done)
}
