//! What goes wrong on the way to a forge.

use twinops::forge::{ForgeError, Kept, Place, Service, Wishes};

use crate::{
    kept::{header, keep},
    server::{Fake, Fault, PULL, TOKEN},
};

async fn error(fake: &Fake) -> ForgeError {
    fake.forge().keep_comment(PULL, &header(1, "sha256:1"), &"text").await.unwrap_err()
}

#[tokio::test]
async fn a_token_that_was_revoked_is_told_from_one_that_may_only_read() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        fake.state().read_only = true;
        let told = error(&fake).await;
        assert!(told.is_read_only(), "{service}: {told}");
        assert!(told.to_string().contains("Resource not accessible by integration"), "{told}");
        fake.state().revoked = true;
        let told = error(&fake).await;
        assert!(matches!(told, ForgeError::Token { .. }) && !told.is_read_only(), "{service}: {told}");
        assert!(told.help().is_some(), "{service}");
    }
}

#[tokio::test]
async fn a_forge_that_asks_for_patience_gets_it_within_reason() {
    for service in Service::ALL {
        let fake = Fake::start(service);
        let wait = |status, body, seconds: &str| Fault {
            headers: vec![("retry-after", seconds.to_owned())],
            ..Fault::new("POST", "7/", status, body)
        };
        fake.state().faults.push_back(wait(429, "", "0"));
        fake.state().faults.push_back(wait(403, "{\"message\": \"You have exceeded a secondary rate limit.\"}", "0"));
        let reset = ["x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| (name, "0".to_owned()));
        fake.state().faults.push_back(Fault { headers: reset.into(), ..Fault::new("POST", "7/", 403, "") });
        assert!(matches!(keep(&fake, 1, "text").await, Kept::Made(_)), "{service}");

        fake.state().comments.clear();
        fake.state().faults.push_back(wait(429, "", "3600"));
        let told = error(&fake).await;
        assert!(told.to_string().ends_with("takes no more requests for the next 3600 s"), "{told}");
    }
}

#[tokio::test]
async fn a_forge_that_stumbles_is_asked_again_and_one_that_fell_is_not_waited_for() {
    let fake = Fake::start(Service::GitHub);
    fake.state().faults.extend([502, 503].map(|status| Fault::new("POST", "7/", status, "<html>")));
    assert!(matches!(keep(&fake, 1, "text").await, Kept::Made(_)));
    fake.state().comments.clear();
    fake.state().faults.extend([500; 4].map(|status| Fault::new("POST", "7/", status, "{\"message\": \"oh\"}")));
    assert_eq!(error(&fake).await.to_string(), "GitHub does not write the comment: HTTP 500: oh");
}

#[tokio::test]
async fn an_answer_lost_on_its_way_leaves_one_comment() {
    let fake = Fake::start(Service::GitHub);
    let lost = Fault {
        then: Some(|state| {
            let json = serde_json::to_string(&header(1, "sha256:1")).unwrap();
            state.comment(crate::server::ME, &format!("<!-- twinops {json} -->\ntext"));
        }),
        ..Fault::new("POST", "7/", 502, "")
    };
    fake.state().faults.push_back(lost);
    keep(&fake, 1, "text").await;
    assert_eq!(fake.state().comments.len(), 1);
}

#[tokio::test]
async fn what_a_forge_says_never_shows_the_token() {
    let fake = Fake::start(Service::GitHub);
    let said = "{\"message\": \"the header `Bearer t0ken-that-nobody-may-see` is odd\"}";
    fake.state().faults.push_back(Fault::new("POST", "7/", 422, said));
    let told = error(&fake).await.to_string();
    assert!(told.contains("Bearer (token)") && !told.contains(TOKEN), "{told}");
    let variables = fake.variables(1);
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let place = Place::find(&find, Wishes::default()).unwrap();
    assert!(!format!("{place:?} {:?}", fake.forge()).contains(TOKEN));
}
