//! What an import says when it is done.

use crate::{
    cli::{Failure, Printer, args::ImportArgs},
    import::Imported,
};

/// Most lines about what was left out; `-v` has them all.
const MOST: usize = 20;

/// Tells what was made, what was left out, and what comes next.
pub(super) fn tell(args: &ImportArgs, imported: &Imported, printer: &Printer) -> Result<(), Failure> {
    for (at, left) in imported.left_out.iter().enumerate() {
        let words = format!("`{}` of {} is left out: {}", left.path, devices(left.devices), left.reason);
        if at < MOST { printer.warn(words) } else { printer.detail(words) }
    }
    if imported.left_out.len() > MOST {
        printer.warn(format_args!("{} more are left out; `-v` names them", imported.left_out.len() - MOST));
    }
    let bytes: usize =
        imported.files.iter().filter(|(path, _)| !path.starts_with("schemas/")).map(|(_, text)| text.len()).sum();
    let dir = args.dir.display();
    printer.result(|out| {
        writeln!(
            out,
            "{}: {} profiles, {} with a document of their own, {} KB in {dir}",
            devices(imported.devices as u64),
            imported.profiles,
            devices(imported.overrides as u64),
            bytes.div_ceil(1024),
        )?;
        for (name, path) in &imported.secrets {
            writeln!(out, "secret {name} is what stands at `{path}`; set TWINOPS_SECRET_{name}")?;
        }
        let snapshot = args.snapshot.as_ref().map(|path| format!(" --snapshot {}", path.display())).unwrap_or_default();
        write!(
            out,
            "\nNext:\n  twinops validate {dir}\n  twinops init {dir} --keep     # workflows, hook and editor settings\n  \
             git add {dir} && git commit\n  twinops plan --fleet {dir}{snapshot}     # nothing is to change\n"
        )
    })?;
    Ok(())
}

fn devices(count: u64) -> String {
    format!("{count} {}", if count == 1 { "device" } else { "devices" })
}
