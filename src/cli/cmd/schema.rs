//! `twinops schema`: the JSON Schemas of documents, components and reports; and the reference of the command line.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    cli::{Exit, Failure, Printer, args::DocsArgs},
    component::Registry,
    fleet, hub, report,
};

/// The text of every schema, by the path of its file below `schemas`.
pub fn schema_files() -> BTreeMap<String, String> {
    let mut files = fleet::schema_files(&Registry::builtin());
    files.extend(report::schemas().into_iter().map(|(name, schema)| (name.to_owned(), format!("{schema:#}\n"))));
    files
}

/// Prints the schema of the documents, or writes all schemas to their files.
pub(crate) fn run(write: Option<&Path>, printer: &Printer) -> Result<Exit, Failure> {
    let Some(folder) = write else {
        let schema = fleet::schema();
        printer.result(|out| writeln!(out, "{schema:#}"))?;
        return Ok(Exit::Done);
    };
    for (name, text) in schema_files() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        printer.detail(format_args!("wrote {}", path.display()));
    }
    Ok(Exit::Done)
}

/// Prints the reference of the command line, or that of the hub's REST API; or writes it to a file.
pub(crate) fn docs(args: &DocsArgs, printer: &Printer) -> Result<Exit, Failure> {
    let text = if args.openapi { hub::openapi().to_owned() } else { crate::cli::reference() };
    match &args.write {
        None => printer.result(|out| out.write_all(text.as_bytes()))?,
        Some(path) => fs::write(path, text)?,
    }
    Ok(Exit::Done)
}
