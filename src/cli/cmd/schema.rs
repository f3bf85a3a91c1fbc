//! `twinops schema`: the JSON Schemas of documents, components and reports; and the reference of the command line.

use std::{fs, io::Write as _, path::Path};

use serde_json::Value;

use crate::{
    cli::{Exit, Failure, Printer},
    component::Registry,
    fleet, report,
};

/// Every schema, by the name of its file.
pub fn schemas() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = fleet::schemas();
    all.extend(Registry::builtin().iter().map(|component| {
        (format!("component-{}.schema.json", component.name), component.schema.clone())
    }));
    all.extend(report::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Prints the schema of the documents, or writes all schemas to their files.
pub(crate) fn run(write: Option<&Path>, printer: &Printer) -> Result<Exit, Failure> {
    match write {
        None => {
            let name = fleet::DOCUMENT_SCHEMA;
            let document = schemas().into_iter().find(|(file, _)| file == name).map(|(_, schema)| schema);
            let text = serde_json::to_string_pretty(&document)?;
            printer.result(|out| writeln!(out, "{text}"))?;
        }
        Some(folder) => {
            fs::create_dir_all(folder)?;
            for (name, schema) in schemas() {
                fs::write(folder.join(&name), serde_json::to_string_pretty(&schema)? + "\n")?;
                printer.detail(format_args!("wrote {}", folder.join(&name).display()));
            }
        }
    }
    Ok(Exit::Done)
}

/// Prints the reference of the command line, or writes it to a file.
pub(crate) fn docs(write: Option<&Path>, printer: &Printer) -> Result<Exit, Failure> {
    let text = crate::cli::reference();
    match write {
        None => printer.result(|out| out.write_all(text.as_bytes()))?,
        Some(path) => fs::write(path, text)?,
    }
    Ok(Exit::Done)
}
