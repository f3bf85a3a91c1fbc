//! Whether somebody is whom an enrolment describes (protocol reference 1.3, 13.1, 13.3).

use super::{
    attestation::{Attestation, AttestationType, Certificate},
    enrollment::{Breed, Enrollment},
};
use crate::{
    hub::{
        auth::Denial,
        ports::Registrant,
        tls::{Facts, Trust, sha256},
    },
    iothub::{Authentication, AuthenticationType, Key, SasToken, SymmetricKey, X509Thumbprint},
};

/// The name that a token for registrations may carry instead of a policy's.
const POLICY: &str = "registration";

/// What somebody showed, taken apart: a token that is in force and for this registration, or certificates.
#[derive(Debug)]
pub(crate) struct Shown<'r> {
    who: &'r Registrant,
    token: Option<SasToken>,
    now: u64,
}

impl<'r> Shown<'r> {
    /// Checks all that needs no enrolment. `now` is in seconds since 1970.
    pub(crate) fn new(who: &'r Registrant, id_scope: &str, now: u64) -> Result<Self, Denial> {
        if id_scope.is_empty() || who.id_scope != id_scope {
            return Err(Denial::Scope);
        }
        let token = who.token.as_ref().filter(|token| !token.is_empty());
        let Some(token) = token else {
            let nothing = who.certificates.0.is_empty();
            return if nothing { Err(Denial::NoCredentials) } else { Ok(Self { who, token: None, now }) };
        };
        let token = SasToken::parse(token.reveal())?;
        token.check_expiry(now)?;
        let audience = token.audience()?;
        let named = audience.host == id_scope && audience.scope.allows_registration(who.id.as_str());
        if !named || token.policy().is_some_and(|policy| policy != POLICY) {
            return Err(Denial::Scope);
        }
        Ok(Self { who, token: Some(token), now })
    }
}

/// How the device will prove itself to the hub, if it is whom the enrolment describes.
pub(crate) fn prove(enrollment: &Enrollment, breed: Breed, shown: &Shown<'_>) -> Result<Authentication, Denial> {
    let attestation = enrollment.attestation.as_ref().ok_or(Denial::Kind)?;
    match (&shown.token, attestation.kind) {
        (Some(token), AttestationType::SymmetricKey) => by_key(attestation, breed, shown, token),
        (None, AttestationType::X509) => match breed {
            Breed::Individual => by_own_certificate(attestation, shown),
            Breed::Group => by_chain(attestation, shown),
        },
        _ => Err(Denial::Kind),
    }
}

/// Devices of a group have keys that are derived from the group's.
fn by_key(
    attestation: &Attestation,
    breed: Breed,
    shown: &Shown<'_>,
    token: &SasToken,
) -> Result<Authentication, Denial> {
    let (primary, secondary) = attestation.keys().ok_or(Denial::Kind)?;
    let own = |key: Key| match breed {
        Breed::Individual => key,
        Breed::Group => key.derive(shown.who.id.as_str()),
    };
    let (primary, secondary) = (own(primary), own(secondary));
    let signed = [&primary, &secondary].map(|key| token.is_signed_by(key));
    let symmetric_key = SymmetricKey::new(&primary, &secondary);
    let proved = Authentication { kind: AuthenticationType::Sas, symmetric_key, ..Authentication::default() };
    signed.contains(&true).then_some(proved).ok_or(Denial::Signature)
}

/// The certificate shown is one of the enrolment's; the hub will take all of those.
fn by_own_certificate(attestation: &Attestation, shown: &Shown<'_>) -> Result<Authentication, Denial> {
    let own = shown.who.certificates.0.first().ok_or(Denial::NoCredentials)?;
    let known = attestation.x509.as_ref().and_then(|x509| x509.client_certificates.as_ref()).ok_or(Denial::Kind)?;
    let print = sha256(own);
    let is_known = known.all().filter_map(Certificate::thumbprint).any(|known| known.eq_ignore_ascii_case(&print));
    if !is_known || !Facts::read(own).is_ok_and(|facts| facts.holds_at(shown.now)) {
        return Err(Denial::Certificate);
    }
    let print_of = |one: &Option<Certificate>| one.as_ref().and_then(Certificate::thumbprint).map(str::to_owned);
    Ok(by_thumbprints(print_of(&known.primary), print_of(&known.secondary)))
}

/// The certificate shown carries the registration's name and leads to one of the group's authorities.
fn by_chain(attestation: &Attestation, shown: &Shown<'_>) -> Result<Authentication, Denial> {
    let chain = &shown.who.certificates.0;
    let own = chain.first().ok_or(Denial::NoCredentials)?;
    let known = attestation.x509.as_ref().and_then(|x509| x509.signing_certificates.as_ref()).ok_or(Denial::Kind)?;
    let name = Facts::read(own).ok().and_then(|facts| facts.common_name);
    let is_named = name.is_some_and(|name| shown.who.id.is(&name));
    if is_named && Trust::of(known.all().filter_map(Certificate::der), shown.now).vouches_for(chain, shown.now) {
        return Ok(by_thumbprints(Some(sha256(own)), None));
    }
    Err(Denial::Certificate)
}

fn by_thumbprints(primary_thumbprint: Option<String>, secondary_thumbprint: Option<String>) -> Authentication {
    let x509_thumbprint = X509Thumbprint { primary_thumbprint, secondary_thumbprint };
    Authentication { kind: AuthenticationType::SelfSigned, x509_thumbprint, ..Authentication::default() }
}
