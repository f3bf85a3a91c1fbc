//! Proposals, from a form to a branch on the remote: git stays the only way in.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::stage::{HOSTILE, Page, Portal, Stage, id};

/// A profile with comments and a layout of its own, in a fleet that has a remote.
const SCREEN: &str = "\
apiVersion: twinops/v1
kind: Profile
metadata: { name: screen }
spec:
  where: tags.ring = 'canary' # the first one only
  desired:
    time:   # as people there read it
      timeZone: Europe/Berlin   # not Oslo
      ntp: { enabled: true, servers: [ntp.example.org] }
    screen:
      brightness: 80   # percent
      note: 'don''t'
";

/// A stage whose repository has a bare remote, and the profile.
async fn begun() -> Stage {
    let stage = Stage::new().await;
    stage.write("fleet.yaml", &stage.read("fleet.yaml").replace("    time: { timeZone: Europe/Oslo }\n", ""));
    stage.write("screen.yaml", SCREEN);
    stage.git(&["add", "--all"]).await;
    stage.git(&["commit", "--quiet", "--message", "Screens"]).await;
    let remote = stage.file("remote.git").to_string_lossy().into_owned();
    stage.git(&["init", "--quiet", "--bare", &remote]).await;
    stage.git(&["remote", "rename", "forge", "web"]).await;
    stage.git(&["remote", "add", "origin", &remote]).await;
    stage.git(&["push", "--quiet", "origin", "main"]).await;
    stage
}

/// The inputs of a page's form, as a browser sends them untouched.
struct Filled(Vec<(String, String)>);

impl Filled {
    /// Of the form that goes to `action`.
    fn of(page: &Page, action: &str) -> Self {
        let form = page.text.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form to {action} in:\n{}", page.text));
        let form = form.split("</form>").next().unwrap();
        let mut found = Vec::new();
        for tag in form.split('<') {
            let Some(name) = attribute(tag, "name") else { continue };
            if tag.starts_with("input") && !tag.contains("type=\"checkbox\"") {
                found.push((name, attribute(tag, "value").unwrap_or_default()));
            } else if tag.starts_with("textarea") {
                let text = tag.split_once('>').unwrap().1;
                found.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text)).replace('\n', "\r\n")));
            } else if tag.starts_with("select") {
                let options = form.split(&format!("<{tag}")).nth(1).unwrap().split("</select>").next().unwrap();
                let chosen = options.split("<option").find(|option| option.contains(" selected"));
                found.push((name, chosen.and_then(|option| attribute(option, "value")).unwrap_or_default()));
            }
        }
        Self(found)
    }

    /// The same with other words in one of them.
    fn set(&self, name: &str, text: &str) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        Self(others.chain([(name.to_owned(), text.to_owned())]).collect())
    }

    fn get(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    async fn send(&self, portal: &Portal, path: &str) -> Page {
        let pairs: Vec<(&str, &str)> = self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        portal.post(path, &pairs).await
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1;
    Some(unescaped(value.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

async fn form(portal: &Portal, document: &str) -> Filled {
    let page = portal.get(&format!("/change/edit?document={document}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    Filled::of(&page, "/change/preview")
}

const BRIGHTNESS: &str = "v/spec/desired/screen/brightness";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_becomes_a_branch_on_the_remote_with_the_edited_line_alone() {
    let stage = begun().await;
    let audit = stage.file("audit.ndjson");
    let portal = stage.portal(&["--audit", &audit.to_string_lossy()]).await;
    portal.get("/change").await.has(&["/change/edit?document=Profile%2Fscreen", "Device", "fleet.yaml"]);

    let untouched = form(&portal, "Profile/screen").await;
    let same = untouched.send(&portal, "/change/preview").await;
    same.has(&["Nothing is different yet"]);

    let preview = untouched.set(BRIGHTNESS, "95").send(&portal, "/change/preview").await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    preview.has(&["-      brightness: 80   # percent", "+      brightness: 95   # percent", "1 to change", "sha256:"]);
    assert!(stage.git(&["branch", "--list", "twinops/*"]).await.is_empty(), "a preview writes nothing");

    let ready = Filled::of(&preview, "/change/propose").set("body", "The hall is <b>dark</b>.");
    let silent = ready.send(&portal, "/change/propose").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    silent.has(&["say in a line what changes"]);
    let done = ready.set("subject", "Brighter screens").send(&portal, "/change/propose").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    done.has(&["twinops/change-brighter-screens-", "pushed to <code>origin</code>"]);

    let branch = stage.git(&["ls-remote", "origin", "twinops/*"]).await;
    let branch = branch.split("refs/heads/").nth(1).unwrap().trim();
    stage.git(&["fetch", "--quiet", "origin", branch]).await;
    let diff = stage.git(&["diff", "--unified=0", "--no-color", "main", "FETCH_HEAD"]).await;
    let lines: Vec<&str> = diff.lines().filter(|line| line.starts_with(['+', '-']) && line.len() > 4).collect();
    let expected = [
        "--- a/screen.yaml",
        "+++ b/screen.yaml",
        "-      brightness: 80   # percent",
        "+      brightness: 95   # percent",
    ];
    assert_eq!(lines, expected);
    let message = stage.git(&["log", "-1", "--format=%B", "FETCH_HEAD"]).await;
    assert!(message.starts_with("Brighter screens\n\nThe hall is <b>dark</b>.\n"), "{message}");
    stage.accepted(&["validate"]).await;
    stage.accepted(&["plan", "--revision", branch]).await;

    // The working tree, the main branch and the hub are as they were.
    assert_eq!(stage.git(&["status", "--porcelain"]).await, "");
    assert_eq!(stage.twin(&id(0)).await["properties"]["desired"]["screen"], Value::Null);
    let actions = fs::read_to_string(audit).unwrap();
    let actions: Vec<Value> = actions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |action: &str| actions.iter().find(|line| line["action"] == action).unwrap();
    assert_eq!(of("propose")["about"]["files"], json!(["screen.yaml"]));
    assert_eq!(of("proposed")["about"]["branch"], branch);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_beside_its_field_and_in_yaml_beside_its_line() {
    let stage = begun().await;
    let portal = stage.portal(&[]).await;
    let asked = form(&portal, "Profile/screen").await.set("do", "add").set("add", "desired.time.ntp.fallbackServers");
    let grown = asked.send(&portal, "/change/preview").await;
    grown.has(&["name=\"v/spec/desired/time/ntp/fallbackServers\"", "Linux only", "(new)"]);

    let zone = "v/spec/desired/time/timeZone";
    let wrong = Filled::of(&grown, "/change/preview").set(zone, HOSTILE).send(&portal, "/change/preview").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    wrong.has(&["This cannot be proposed yet", "<a href=\"#field-", "aria-invalid=\"true\"", "class=\"field wrong\""]);
    let field = wrong.text.split("<div class=\"field wrong\">").nth(1).unwrap();
    assert!(field.contains(zone) && !wrong.text.contains("<script>alert"), "{field}");

    let page = portal.get("/change/edit?document=Profile/screen&as=yaml").await;
    let yaml = Filled::of(&page, "/change/preview");
    assert_eq!(yaml.get("text").replace("\r\n", "\n"), SCREEN);
    assert!(yaml.send(&portal, "/change/preview").await.text.contains("Nothing is different yet"));
    let text = SCREEN.replace("timeZone: Europe/Berlin", &format!("timeZon: \"{}\"", HOSTILE.replace('"', "\\\"")));
    let wrong = yaml.set("text", &text).send(&portal, "/change/preview").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has(&["screen.yaml:8", "timeZone"]);
    assert!(!wrong.text.contains("<script>alert") && !wrong.text.contains("<img src=x"), "{}", wrong.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_from_an_older_commit_is_redone_unless_others_changed_the_file() {
    let stage = begun().await;
    let portal = stage.portal(&[]).await;
    let preview = form(&portal, "Profile/screen").await.set(BRIGHTNESS, "70").send(&portal, "/change/preview").await;
    let ready = Filled::of(&preview, "/change/propose").set("subject", "Dimmer");

    stage.write(
        "devices.yaml",
        "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: other }\nspec: { where: tags.x = 1 }\n",
    );
    stage.git(&["add", "--all"]).await;
    stage.git(&["commit", "--quiet", "--message", "Another one"]).await;
    stage.git(&["push", "--quiet", "origin", "main"]).await;
    let head = stage.git(&["rev-parse", "HEAD"]).await;
    portal.until("/", |page| page.text.contains(&head[..7])).await;
    let late = ready.send(&portal, "/change/propose").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    late.has(&["The fleet has moved on", "Redo it on"]);
    let again = Filled::of(&late, "/change/preview").send(&portal, "/change/preview").await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let redone = Filled::of(&again, "/change/propose").set("subject", "Dimmer");
    assert_eq!(redone.get("base"), head.trim());

    stage.write("screen.yaml", &SCREEN.replace("80", "60"));
    stage.git(&["commit", "--all", "--quiet", "--message", "Dim"]).await;
    stage.git(&["push", "--quiet", "origin", "main"]).await;
    let head = stage.git(&["rev-parse", "HEAD"]).await;
    portal.until("/", |page| page.text.contains(&head[..7])).await;
    let clash = redone.send(&portal, "/change/propose").await;
    assert_eq!(clash.status, StatusCode::CONFLICT);
    clash.has(&["Others have changed <code>screen.yaml</code>"]);
    assert!(!clash.text.contains("Redo it on"));
    assert!(stage.git(&["branch", "--list", "twinops/*"]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_proposes_without_the_role_or_from_elsewhere() {
    let stage = begun().await;
    let portal = stage.portal(&["--link-role", "operator"]).await;
    let preview = form(&portal, "Profile/screen").await.set(BRIGHTNESS, "70").send(&portal, "/change/preview").await;
    let ready = Filled::of(&preview, "/change/propose").set("subject", "Dimmer");
    let forged = ready.set("csrf", "guessed");
    for path in ["/change/propose", "/change/patch", "/change/preview", "/change/ignore"] {
        assert_eq!(forged.send(&portal, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for file in ["../escaped.yaml", ".github/workflows/own.yaml", "/etc/x.yaml", "run.sh"] {
        let elsewhere = forged.set("csrf", &preview.csrf()).set("file", file);
        assert_eq!(elsewhere.send(&portal, "/change/propose").await.status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
    }

    let viewer = stage.portal(&["--link-role", "viewer"]).await;
    let list = viewer.get("/change").await;
    assert!(list.status == StatusCode::OK && !list.text.contains("/change/edit"), "{}", list.text);
    let theirs = forged.set("csrf", &list.csrf());
    for path in ["/change/propose", "/change/patch", "/change/preview", "/change/ignore"] {
        let refused = theirs.send(&viewer, path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        refused.has(&["operator"]);
    }
    for path in
        ["/change/edit?document=Profile/screen", "/change/adopt?device=d&path=tags.a", "/change/ignore?path=tags.a"]
    {
        assert_eq!(viewer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(stage.git(&["branch", "--list", "twinops/*"]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_a_mail_that_git_am_takes_and_words_are_never_markup() {
    let stage = begun().await;
    let portal = stage.portal(&[]).await;
    let typed = form(&portal, "Profile/screen").await.set("v/spec/desired/screen/note", HOSTILE);
    let preview = typed.send(&portal, "/change/preview").await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert!(!preview.text.contains("<script>alert") && !preview.text.contains("<img src=x"), "{}", preview.text);

    let body = "Why not:\r\n---\r\ndiff --git a/fleet.yaml b/fleet.yaml\r\n--- a/fleet.yaml\r\n";
    let ready = Filled::of(&preview, "/change/propose").set("subject", HOSTILE).set("body", body);
    let patch = ready.send(&portal, "/change/patch").await;
    assert_eq!((patch.status, patch.header("content-type")), (StatusCode::OK, "text/x-patch; charset=utf-8"));
    let name = patch.header("content-disposition");
    assert!(
        name.starts_with("attachment; filename=\"twinops-change-script-alert-x") && name.ends_with(".patch\""),
        "{name}"
    );
    let file = stage.file("change.patch");
    fs::write(&file, &patch.text).unwrap();
    stage.git(&["am", "--quiet", &file.to_string_lossy()]).await;
    assert_eq!(stage.git(&["diff", "--name-only", "HEAD~1"]).await, "screen.yaml\n");
    assert!(stage.read("screen.yaml").contains("onerror=alert(1)") && stage.read("screen.yaml").contains("# percent"));
    stage.accepted(&["validate"]).await;

    // What was proposed is told as text, too.
    stage.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await;
    let done = ready.send(&portal, "/change/propose").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(!done.text.contains("<script>alert") && !done.text.contains("<img src=x"), "{}", done.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_adopted_or_left_alone_by_a_proposal() {
    let stage = begun().await;
    stage.run(&["reconcile"]).await;
    stage.patch(&id(0), json!({ "properties": { "desired": { "screen": { "brightness": 55 } } } })).await;
    let portal = stage.portal(&[]).await;
    let drift = portal.until("/drift", |page| page.text.contains("/change/adopt?")).await;
    let link = drift.text.split('"').find(|part| part.starts_with("/change/adopt?")).unwrap();
    let preview = portal.get(&unescaped(link)).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    preview.has(&["+      brightness: 55   # percent", "Adopt properties.desired.screen.brightness of kiosk-00"]);
    let done = Filled::of(&preview, "/change/propose").send(&portal, "/change/propose").await;
    done.has(&["twinops/change-adopt-properties-desired"]);

    let link = drift.text.split('"').find(|part| part.starts_with("/change/ignore?")).unwrap();
    let asked = Filled::of(&portal.get(&unescaped(link)).await, "/change/ignore");
    assert_eq!(asked.get("path"), "properties.desired.screen.brightness");
    let asked = asked.set("owner", "ops@example.org");
    let silent = asked.send(&portal, "/change/ignore").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    silent.has(&["why it is left alone is missing"]);
    let preview = asked.set("reason", "Trial <i>until</i> spring").send(&portal, "/change/ignore").await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    preview.has(&["path: properties.desired.screen.brightness", "owner: &#34;ops@example.org&#34;", "1 unchanged"]);
    let none = portal.get("/change/adopt?device=kiosk-09&path=tags.none").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text);
}
