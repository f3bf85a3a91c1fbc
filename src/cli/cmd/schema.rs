//! `twinops schema`: the JSON Schemas of documents, components and reports; and the reference of the command line.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    agent::simulation,
    cli::{
        Exit, Failure, Printer,
        args::{DocsArgs, Dtdl, SchemaArgs},
        cmd::simulate::SimulationEvent,
    },
    component::{Registry, command::Command, dsc::Manifest, dtdl, method, nearest},
    fleet, hub, plan, report,
};

/// How the file of a schema ends.
const ENDING: &str = ".schema.json";
/// Where a fleet keeps the schemas of its own components.
const OWN: &str = "components";

/// The text of every schema, by the path of its file below `schemas`.
pub fn schema_files() -> BTreeMap<String, String> {
    files(&Registry::builtin())
}

fn files(registry: &Registry) -> BTreeMap<String, String> {
    let mut files = fleet::schema_files(registry);
    for command in Command::ALL {
        let file = |kind: &str| format!("commands/{}{kind}{ENDING}", command.name());
        files.insert(file(""), format!("{:#}\n", command.payload_schema()));
        files.insert(file(".answer"), format!("{:#}\n", command.answer_schema()));
    }
    files.insert("saved-plan.schema.json".to_owned(), format!("{:#}\n", plan::saved::schema()));
    files.extend(report::schemas().into_iter().map(|(name, schema)| (name.to_owned(), format!("{schema:#}\n"))));
    let simulation = [
        ("simulation-event", schemars::schema_for!(SimulationEvent)),
        ("simulation-profile", schemars::schema_for!(simulation::Profile)),
    ];
    files.extend(simulation.map(|(name, schema)| (format!("{name}{ENDING}"), format!("{:#}\n", schema.to_value()))));
    files
}

/// Prints one schema, that of the documents when none is named; or writes all of them to their files.
pub(crate) fn run(args: &SchemaArgs, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(folder) = &args.write {
        return write(folder, &registry(&args.fleet)?, printer);
    }
    if let Some(manifest) = &args.dsc {
        let text = of_dsc(manifest)?;
        printer.result(|out| out.write_all(text.as_bytes()))?;
        return Ok(Exit::Done);
    }
    if let Some(version) = args.dtdl {
        return exported(args.name.as_deref(), version, &registry(&args.fleet)?, printer);
    }
    let text = match (&args.method, &args.name) {
        (Some(method), _) => of_method(method)?,
        (None, Some(name)) => named(name, &registry(&args.fleet)?)?,
        (None, None) => format!("{:#}\n", fleet::schema()),
    };
    printer.result(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}

/// The components of twinops, and those of the fleet in this folder, if there are any.
fn registry(root: &Path) -> Result<Registry, Failure> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(root.join(OWN)).into_iter().flatten() {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().filter(|name| name.ends_with(ENDING)) {
            texts.push((format!("{OWN}/{name}"), fs::read_to_string(entry.path())?));
        }
    }
    Registry::builtin().with_fleet_components(&texts).map_err(|errors| match errors.into_iter().next() {
        Some(error) => Failure::new(Exit::Findings, format!("{}: {error}", error.file()))
            .help("`twinops validate` tells all that is wrong with the fleet"),
        None => Failure::new(Exit::Findings, "a component cannot be read"),
    })
}

fn write(folder: &Path, registry: &Registry, printer: &Printer) -> Result<Exit, Failure> {
    for (name, text) in files(registry) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        printer.detail(format_args!("wrote {}", path.display()));
    }
    Ok(Exit::Done)
}

/// Prints the DTDL interface of one component, or a model of all.
fn exported(name: Option<&str>, version: Dtdl, registry: &Registry, printer: &Printer) -> Result<Exit, Failure> {
    let version = match version {
        Dtdl::V2 => dtdl::Version::V2,
        Dtdl::V3 => dtdl::Version::V3,
    };
    let told = match name {
        None => dtdl::model(registry, version),
        Some(name) => {
            let component = registry.get(name).ok_or_else(|| unknown_component(name, registry))?;
            dtdl::interface(component, version)
        }
    };
    let told = told.map_err(|error| Failure::usage(error.to_string()))?;
    printer.result(|out| writeln!(out, "{told:#}"))?;
    Ok(Exit::Done)
}

fn unknown_component(name: &str, registry: &Registry) -> Failure {
    let failure = Failure::usage(format!("no component is called `{name}`"));
    match registry.nearest(name) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("a fleet's own is known in its folder, or with `--fleet DIR`"),
    }
}

/// The schema whose file is called so, wherever it lies.
fn named(name: &str, registry: &Registry) -> Result<String, Failure> {
    let mut files = files(registry);
    let found = ["", "components/", "documents/", "commands/"].map(|folder| format!("{folder}{name}{ENDING}"));
    if let Some(text) = found.iter().find_map(|path| files.remove(path)) {
        return Ok(text);
    }
    let known = files.keys().filter_map(|path| path.rsplit('/').next()?.strip_suffix(ENDING));
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`twinops schema --write DIR` writes all that there are".to_owned(),
    };
    Err(Failure::usage(format!("no schema is called `{name}`")).help(help))
}

/// The schema of a DSC resource's component.
fn of_dsc(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::from(error).help(format!("cannot read `{}`", path.display())))?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| Failure::from(error).help(format!("`{}` is no manifest of a DSC resource", path.display())))?;
    Ok(format!("{:#}\n", manifest.component_schema()?))
}

fn of_method(name: &str) -> Result<String, Failure> {
    if let Some(method) = method::find(name) {
        return Ok(format!("{:#}\n", method.schema()));
    }
    let known = || method::all().map(|method| method.name).collect::<Vec<_>>().join(", ");
    let help =
        method::nearest(name).map_or_else(|| format!("known: {}", known()), |near| format!("did you mean `{near}`?"));
    Err(Failure::usage(format!("no method is known as `{name}`")).help(help))
}

/// Prints the reference of the command line, or that of the hub's REST API, or writes it to a file; or writes the pages
/// of the rules.
pub(crate) fn docs(args: &DocsArgs, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(folder) = args.write.as_ref().filter(|_| args.rules) {
        fs::create_dir_all(folder)?;
        fleet::rule::pages().into_iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))?;
        return Ok(Exit::Done);
    }
    let text = if args.openapi { hub::openapi().to_owned() } else { crate::cli::reference() };
    match &args.write {
        None => printer.result(|out| out.write_all(text.as_bytes()))?,
        Some(path) => fs::write(path, text)?,
    }
    Ok(Exit::Done)
}
