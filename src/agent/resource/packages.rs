//! `packages` on Debian and Ubuntu: what apt and dpkg have installed, and hold.

use std::{borrow::Cow, time::Duration};

use serde_json::{Value, json};

use super::{Fault, Refusal, Resource, check_id, typed, wanted};
use crate::{
    agent::port::{Call, Port, Run},
    component::{artifact::Presence, packages::Package},
};

/// How long an installation may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(15);
/// How apt is asked: it neither asks back nor waits for ever for another apt, and keeps configuration that was changed.
const APT: [&str; 5] = ["-y", "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120"];

/// The packages of the system.
#[derive(Debug)]
pub(crate) struct Packages<R> {
    port: Port<R>,
}

/// Why there are no packages of this kind here.
pub(crate) fn lack<R: Run>(port: &Port<R>) -> Option<String> {
    let there = port.has("apt-get") && port.has("dpkg-query");
    (!there).then(|| "this device has no apt; packages are managed on Debian and Ubuntu only".to_owned())
}

/// Whether a name can be one of a package (Debian policy 5.6.7), with an architecture at most.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let (bare, architecture) = name.split_once(':').unwrap_or((name, "all"));
    let formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let good = |word: &str| word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(formed);
    let refusal = || Refusal::Invalid(format!("`{name}` is not the name of a package"));
    (good(bare) && good(architecture)).then_some(()).ok_or_else(refusal)
}

/// Whether a text can be a version of one (Debian policy 5.6.12).
pub(crate) fn check_version(version: &str) -> Result<(), Refusal> {
    let formed = |c: char| c.is_ascii_alphanumeric() || ".+-:~".contains(c);
    let good = version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(formed);
    good.then_some(()).ok_or_else(|| Refusal::Invalid(format!("`{version}` is not the version of a package")))
}

/// The version of a package that is installed; `None` when it is not.
pub(crate) async fn installed<R: Run>(port: &Port<R>, name: &str) -> Result<Option<String>, Fault> {
    let root = format!("--root={}", port.tree.root().display());
    let asked = [root.as_str(), "-W", "-f", "${Version}\t${db:Status-Status}\n", name];
    let output = port.call(Call::new("dpkg-query", &asked)).await?;
    // It ends with 1 when nobody ever heard of the package.
    let line = output.stdout.lines().find_map(|line| line.strip_suffix("\tinstalled"));
    Ok(line.map(str::to_owned))
}

/// The packages of which a newer version is to be had, after asking where they come from.
pub(crate) async fn scan<R: Run>(port: &Port<R>) -> Result<Vec<String>, Fault> {
    let update = ["update", "-o", "DPkg::Lock::Timeout=120"];
    port.call(Call::new("apt-get", &update).within(LIMIT)).await?.good("apt-get")?;
    let said = port.run("apt-get", &["--simulate", "dist-upgrade"]).await?;
    let name = |line: &str| line.strip_prefix("Inst ")?.split(' ').next().map(str::to_owned);
    Ok(said.lines().filter_map(name).collect())
}

/// Installs, or removes, by apt: names, `name=version`, or paths of files.
pub(crate) async fn apt<R: Run>(port: &Port<R>, verb: &str, what: &[&str], limit: Duration) -> Result<(), Fault> {
    let mut asked = vec![verb];
    asked.extend(APT);
    if verb == "install" {
        asked.extend(["--no-install-recommends", "--allow-downgrades"]);
    }
    asked.extend(what);
    port.call(Call::new("apt-get", &asked).within(limit)).await?.good("apt-get").map(drop)
}

/// The packages on hold, sorted.
pub(crate) async fn held<R: Run>(port: &Port<R>) -> Result<Vec<String>, Fault> {
    let said = port.run("apt-mark", &["showhold"]).await?;
    let mut held: Vec<String> = said.lines().map(str::to_owned).filter(|name| !name.is_empty()).collect();
    held.sort();
    Ok(held)
}

/// A list as another one has it, when both name the same.
pub(crate) fn in_order_of(held: Vec<String>, wanted: &Value) -> Value {
    let mut sorted: Vec<&str> = wanted.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if held == sorted { wanted.clone() } else { json!(held) }
}

/// Holds these packages and no others.
pub(crate) async fn hold<R: Run>(port: &Port<R>, wanted: &[String]) -> Result<(), Fault> {
    let held = held(port).await?;
    for (verb, of, unless) in [("hold", wanted, held.as_slice()), ("unhold", held.as_slice(), wanted)] {
        let names = of.iter().filter(|name| !unless.contains(name)).map(String::as_str);
        let asked: Vec<&str> = std::iter::once(verb).chain(names).collect();
        if asked.len() > 1 {
            port.run("apt-mark", &asked).await?;
        }
    }
    Ok(())
}

impl<R: Run> Packages<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }
}

impl<R: Run> Resource for Packages<R> {
    fn lack(&self) -> Option<String> {
        let image = || "packages are installed on a running system only".to_owned();
        lack(&self.port).or_else(|| (!self.port.tree.is_system()).then(image))
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(wanted.get("name").and_then(Value::as_str).unwrap_or(property))
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let package: Package = typed(property, wanted)?;
        check_name(&package.name)?;
        match (package.state.unwrap_or_default(), &package.version) {
            (Presence::Absent, Some(_)) => {
                Err(Refusal::Invalid("`version` makes no sense for a package that is to be absent".to_owned()))
            }
            (_, version) => version.as_deref().map_or(Ok(()), check_version),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let name = self.place(property, wanted);
        Ok(Some(match installed(&self.port, &name).await? {
            Some(version) => json!({"name": name, "version": version, "state": "present"}),
            None => json!({"name": name, "state": "absent"}),
        }))
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let package: Package = wanted(property, value)?;
        match (package.state.unwrap_or_default(), package.version) {
            (Presence::Absent, _) => apt(&self.port, "remove", &[&package.name], LIMIT).await,
            (Presence::Present, None) => apt(&self.port, "install", &[&package.name], LIMIT).await,
            (Presence::Present, Some(version)) => {
                apt(&self.port, "install", &[&format!("{}={version}", package.name)], LIMIT).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::port::{System, recorded::Recorded};

    fn device() -> (tempfile::TempDir, Packages<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let packages = Packages::new(Port::new(root.path(), Recorded::default()));
        (root, packages)
    }

    #[tokio::test]
    async fn a_package_is_installed_at_its_version_and_put_back() {
        let (root, packages) = device();
        let wanted = json!({"name": "jq", "version": "1.6-2.1"});
        let before = packages.snapshot("jq", &wanted).await.unwrap();
        assert_eq!(before, Some(json!({"name": "jq", "state": "absent"})));
        packages.ensure("jq", Some(&wanted)).await.unwrap();
        let ran = packages.port.programs().changed();
        assert!(ran[0].starts_with("apt-get install -y ") && ran[0].ends_with(" jq=1.6-2.1"), "{ran:?}");
        let asked = format!("dpkg-query --root={} -W", root.path().display());
        packages.port.programs().answer(&asked, "1.6-2.1\tinstalled\n");
        let found = packages.read("jq", &wanted).await.unwrap().unwrap();
        assert_eq!(found["version"], "1.6-2.1");
        packages.restore("jq", "jq", before.as_ref()).await.unwrap();
        let ran = packages.port.programs().changed();
        assert!(ran[0].starts_with("apt-get remove -y ") && ran[0].ends_with(" jq"), "{ran:?}");
    }

    #[test]
    fn what_apt_would_take_for_an_option_is_refused() {
        let (_root, packages) = device();
        for wanted in [
            json!({"name": "-o"}),
            json!({"name": "a b"}),
            json!({"name": "./x.deb"}),
            json!({"name": "jq", "version": "*"}),
            json!({"name": "jq", "version": "1", "state": "absent"}),
        ] {
            assert!(matches!(packages.check("jq", &wanted), Err(Refusal::Invalid(_))), "{wanted}");
        }
        assert_eq!(packages.check("jq", &json!({"name": "libc6:amd64", "version": "2:1.0~rc1-1+b2"})), Ok(()));
    }

    #[tokio::test]
    async fn exactly_the_named_packages_are_held() {
        let (_root, packages) = device();
        packages.port.programs().answer("apt-mark showhold", "a\nb\n");
        hold(&packages.port, &["b".to_owned(), "c".to_owned()]).await.unwrap();
        assert_eq!(packages.port.programs().changed(), ["apt-mark hold c", "apt-mark unhold a"]);
        assert_eq!(in_order_of(vec!["a".to_owned(), "b".to_owned()], &json!(["b", "a"])), json!(["b", "a"]));
        assert_eq!(in_order_of(vec!["a".to_owned()], &json!(["b"])), json!(["a"]));
    }

    /// The real dpkg of this machine, and a real hold that is taken back.
    #[tokio::test]
    async fn a_real_package_is_read_held_and_let_go() {
        let port = Port::new("/".as_ref(), System);
        if lack(&port).is_some() || !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "apt and root are needed");
            return eprintln!("NOT RUN: this needs apt, and root");
        }
        assert!(installed(&port, "dpkg").await.unwrap().is_some());
        assert_eq!(installed(&port, "no-such-package-anywhere").await.unwrap(), None);
        let before = held(&port).await.unwrap();
        let wanted: Vec<String> = before.iter().cloned().chain(["dpkg".to_owned()]).collect();
        hold(&port, &wanted).await.unwrap();
        let now = held(&port).await;
        hold(&port, &before).await.unwrap();
        assert!(now.unwrap().contains(&"dpkg".to_owned()));
        assert_eq!(held(&port).await.unwrap(), before);
    }
}
