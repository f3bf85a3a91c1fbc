//! How hubs reach the database: addresses, TLS, and what they say when they cannot.

use rcgen::generate_simple_self_signed;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    hub::{Hub, program},
    postgres::Postgres,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_cannot_use_the_database_says_why_and_not_the_password() {
    let Some(database) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().replace("/postgres", "/none");
    let said = program().args(["hub", "--store", &url, "--state"]).arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(!said.status.success() && text.contains("\"none\" does not exist"), "{text}");
    assert!(!text.contains(Postgres::password()) && !text.contains(url.as_str()), "{text}");
}

/// What a hub says that cannot begin with this store.
fn refusal(store: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    let said = command.args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"]).arg(folder.path());
    let said = said.env("TWINOPS_HUB_STORE", store).output().unwrap();
    assert!(!said.status.success());
    String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_talks_to_the_database_that_its_address_names_over_tls_and_to_no_impostor() {
    let Some(mut database) = Postgres::start() else { return };
    let [own, other] = ["127.0.0.1", "127.0.0.1"].map(|name| generate_simple_self_signed([name.to_owned()]).unwrap());
    let roots = database.keep("server.pem", &own.cert.pem());
    let key = database.keep("server.key", &own.signing_key.serialize_pem());
    let wrong = database.keep("other.pem", &other.cert.pem());
    database.demand_tls(&roots, &key);

    let address = |mode: &str, roots: &std::path::Path| {
        format!("{}?sslmode={mode}&sslrootcert={}", database.url(), roots.display())
    };
    assert!(refusal(&format!("{}?sslmode=disable", database.url())).contains("no encryption"));
    for mode in ["verify-full", "verify-ca"] {
        let said = refusal(&address(mode, &wrong));
        assert!(said.contains("certificate") && !said.contains(Postgres::password()), "{said}");
    }
    let elsewhere = |mode: &str| address(mode, &roots).replace("@127.0.0.1", "@localhost") + "&hostaddr=127.0.0.1";
    assert!(refusal(&elsewhere("verify-full")).contains("certificate"), "it is issued for another name");
    for address in [address("verify-full", &roots), elsewhere("verify-ca"), elsewhere("require")] {
        let hub = Hub::start_at(&address);
        let id = format!("d{}", hub.service.host.to_string().replace(':', "-"));
        hub.make(&id).await;
        assert_eq!(hub.desire(&id, json!({"x": 1})).await, StatusCode::OK);
    }
}
