//! Sentences about devices that an authority vouches for.

use std::time::SystemTime;

use super::*;
use crate::{
    hub::{
        store::Kind,
        tls::{self, sample::Signer},
    },
    iothub::{CertificateProperties, CertificateResource},
};

fn resource(authority: &Signer, is_verified: bool) -> CertificateResource {
    let certificate = tls::to_text(&authority.der());
    let properties = CertificateProperties { certificate, is_verified, ..CertificateProperties::default() };
    CertificateResource { properties, ..CertificateResource::default() }
}

impl Hub {
    async fn register(&self, name: &str, authority: &Signer, is_verified: bool) -> Result<CertificateResource, u32> {
        let put = self.core.put_certificate(name, resource(authority, is_verified), None).await;
        put.map_err(|failure| failure.code.number())
    }

    pub(super) async fn show(&self, device: &str, chain: &[&Signer]) -> Result<Admission, Refusal> {
        let certificates: Vec<_> = chain.iter().map(|one| one.der()).collect();
        let link = device_link(&id(device));
        let request =
            ConnectRequest { link, password: None, certificates: &certificates, clean_session: true, model_id: None };
        self.core.connect(&request).await
    }

    /// With a device that has to show a certificate of an authority.
    async fn vouched() -> Self {
        let hub = Self::new();
        let made = hub.put("d1", json!({"authentication": {"type": "certificateAuthority"}}), None).await.unwrap();
        assert!(made.authentication.unwrap().symmetric_key.keys().unwrap().is_none());
        hub
    }
}

#[tokio::test]
async fn a_device_comes_in_with_a_certificate_of_a_registered_authority_until_it_ends() {
    let hub = Hub::vouched().await;
    let root = Signer::root("root");
    let device = root.device("d1");
    assert_eq!(hub.show("d1", &[&device]).await.unwrap_err(), Refusal::NotAuthorized);
    hub.register("plant", &root, true).await.unwrap();
    let admission = hub.show("d1", &[&device]).await.unwrap();
    assert_eq!(admission.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_hours(788_928)));
    assert_eq!(hub.show("d1", &[&root.device("d2")]).await.unwrap_err(), Refusal::NotAuthorized);
    assert_eq!(hub.show("d1", &[]).await.unwrap_err(), Refusal::NotAuthorized);
}

#[tokio::test]
async fn an_authority_counts_when_it_is_verified_and_as_long_as_it_is_there() {
    let hub = Hub::vouched().await;
    let root = Signer::root("root");
    let device = root.device("d1");
    hub.register("plant", &root, false).await.unwrap();
    assert!(hub.show("d1", &[&device]).await.is_err());
    let code = hub.core.start_proof("plant").await.unwrap().properties.verification_code.unwrap();
    for wrong in [root.device("another"), Signer::root("root").device(&code)] {
        let refused = hub.core.finish_proof("plant", &tls::to_text(&wrong.der())).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::ArgumentInvalid);
    }
    let proven = hub.core.finish_proof("plant", &tls::to_text(&root.device(&code).der())).await.unwrap();
    assert!(proven.properties.is_verified && proven.properties.verification_code.is_none());
    hub.show("d1", &[&device]).await.unwrap();
    assert!(hub.core.links.take().is_empty());
    hub.core.delete_certificate("plant", None).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1"], "whoever came in by it is sent away");
    assert!(hub.show("d1", &[&device]).await.is_err());
    assert_eq!(hub.core.certificate("plant").await.unwrap_err().code, ErrorCode::GenericNotFound);
}

#[tokio::test]
async fn an_authority_that_another_process_removes_vouches_for_nobody_any_longer() {
    let hub = Hub::vouched().await;
    let (root, other) = (Signer::root("root"), Signer::root("other"));
    for (name, authority) in [("plant", &root), ("other", &other)] {
        hub.register(name, authority, true).await.unwrap();
    }
    hub.show("d1", &[&root.device("d1")]).await.unwrap();
    hub.register("third", &Signer::root("third"), true).await.unwrap();
    hub.core.cut_doubtful().await.unwrap();
    assert!(hub.core.links.take().is_empty(), "one more does no harm");
    let gone = Change::DeleteDocument { kind: Kind::Authority, id: "other".into(), revision: 1 };
    assert_eq!(hub.core.store.write(vec![gone]).await.unwrap(), Outcome::Written);
    hub.core.cut_doubtful().await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1"]);
    hub.show("d1", &[&root.device("d1")]).await.unwrap();
    hub.core.cut_doubtful().await.unwrap();
    assert!(hub.core.links.take().is_empty(), "it came in again by one that is still there");
}

#[tokio::test]
async fn a_token_opens_no_device_that_has_to_show_a_certificate() {
    let hub = Hub::vouched().await;
    let key = Key::from_bytes(&[7; 32]).unwrap();
    assert_eq!(hub.connect("d1", &key).await, Err(Refusal::NotAuthorized));
}

#[tokio::test]
async fn a_certificate_is_replaced_under_its_etag_alone() {
    let hub = Hub::new();
    let (first, second) = (Signer::root("first"), Signer::root("second"));
    let made = hub.register("plant", &first, true).await.unwrap();
    assert_eq!(hub.register("plant", &second, true).await, Err(409_000));
    let put = async |etag: &str| {
        let if_match = IfMatch::parse(etag);
        hub.core.put_certificate("plant", resource(&second, true), Some(&if_match)).await
    };
    let replaced = put(made.etag.as_str()).await.unwrap();
    assert_eq!(replaced.properties.subject, "CN=second");
    assert_eq!(replaced.properties.created, made.properties.created);
    assert_eq!(put(made.etag.as_str()).await.unwrap_err().code, ErrorCode::PreconditionFailed);
    let stale = IfMatch::parse(made.etag.as_str());
    let refused = hub.core.delete_certificate("plant", Some(&stale)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::PreconditionFailed);
}

#[tokio::test]
async fn what_is_no_authority_is_not_registered_and_25_are_the_most() {
    let hub = Hub::new();
    let root = Signer::root("root");
    let past = Signer::root_with("past", |params| params.not_after = rcgen::date_time_ymd(2022, 1, 1));
    assert_eq!(hub.register("a", &root.device("d1"), true).await, Err(400_004));
    assert_eq!(hub.register("a", &past, true).await, Err(400_004));
    for name in ["", "a/b", "a b", &"a".repeat(65)] {
        assert_eq!(hub.register(name, &root, true).await, Err(400_004), "{name}");
    }
    for at in 0..25 {
        hub.register(&format!("a{at:02}"), &root, true).await.unwrap();
    }
    assert_eq!(hub.register("b", &root, true).await, Err(403_002));
    let names: Vec<_> = hub.core.certificates().await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!((names.len(), names[24].as_str()), (25, "a24"));
}

#[tokio::test]
async fn a_device_that_is_disabled_comes_in_by_no_certificate() {
    let hub = Hub::vouched().await;
    let root = Signer::root("root");
    hub.register("plant", &root, true).await.unwrap();
    let body = json!({"status": "disabled", "authentication": {"type": "certificateAuthority"}});
    hub.put("d1", body, Some("*")).await.unwrap();
    assert!(hub.show("d1", &[&root.device("d1")]).await.is_err());
}
