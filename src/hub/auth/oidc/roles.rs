//! What bearers may do.

use std::{fmt, str::FromStr};

use serde_json::Value;

use super::{super::action::Action, OidcConfig};
use crate::jwt;

/// The built-in roles for the data of an IoT hub (protocol reference 1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataRole {
    /// Everything.
    Contributor,
    /// Whatever only reads.
    Reader,
    /// Identities.
    RegistryContributor,
    /// Twins.
    TwinContributor,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no data role; there are IoT Hub Data Contributor, IoT Hub Data Reader, IoT Hub Registry Contributor and \
     IoT Hub Twin Contributor"
)]
pub struct UnknownRole(String);

impl DataRole {
    const ALL: [Self; 4] = [Self::Contributor, Self::Reader, Self::RegistryContributor, Self::TwinContributor];

    /// The name that Azure has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contributor => "IoT Hub Data Contributor",
            Self::Reader => "IoT Hub Data Reader",
            Self::RegistryContributor => "IoT Hub Registry Contributor",
            Self::TwinContributor => "IoT Hub Twin Contributor",
        }
    }

    /// Its data actions: what begins and ends like this.
    const fn data_actions(self) -> (&'static str, &'static str) {
        match self {
            Self::Contributor => ("Microsoft.Devices/IotHubs/", ""),
            Self::Reader => ("Microsoft.Devices/IotHubs/", "/read"),
            Self::RegistryContributor => ("Microsoft.Devices/IotHubs/devices/", ""),
            Self::TwinContributor => ("Microsoft.Devices/IotHubs/twins/", ""),
        }
    }

    fn permits(self, action: Action) -> bool {
        let (begin, end) = self.data_actions();
        action.data_action().starts_with(begin) && action.data_action().ends_with(end)
    }
}

impl fmt::Display for DataRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

impl OidcConfig {
    /// Whether one of the roles among a token's claims permits an action.
    pub(super) fn permits(&self, claims: &Value, action: Action) -> bool {
        let permits = |value: &str| {
            let mapped = self.roles.iter().filter(|(name, _)| name == value).map(|(_, role)| *role);
            value.parse().ok().into_iter().chain(mapped).any(|role: DataRole| role.permits(action))
        };
        jwt::texts(claims, &self.role_claim).any(permits)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(role_claim: &str) -> OidcConfig {
        let roles = vec![
            ("fleet-admins".to_owned(), DataRole::Contributor),
            ("viewers".to_owned(), DataRole::Reader),
            ("viewers".to_owned(), DataRole::TwinContributor),
        ];
        OidcConfig { issuer: String::new(), audiences: vec![], role_claim: role_claim.to_owned(), roles, ca: None }
    }

    #[test]
    fn a_role_permits_its_data_actions_and_no_others() {
        use Action::*;
        for (role, permitted, refused) in [
            ("IoT Hub Data Contributor", vec![WriteDevices, Invoke, WriteJobs, WriteEnrollments], vec![]),
            (
                "IoT Hub Data Reader",
                vec![ReadTwins, ReadServiceStatistics],
                vec![WriteTwins, Invoke, TestConfigurations],
            ),
            (
                "IoT Hub Registry Contributor",
                vec![ReadDevices, DeleteDevices],
                vec![ReadTwins, ImportTwins, ReadDeviceStatistics],
            ),
            ("IoT Hub Twin Contributor", vec![ReadTwins, WriteTwins], vec![ReadDevices, Invoke]),
            ("Owner", vec![], vec![ReadTwins]),
        ] {
            let ask = |action| config("roles").permits(&json!({"roles": [role]}), action);
            assert!(permitted.into_iter().all(ask) && !refused.into_iter().any(ask), "{role}");
        }
    }

    #[test]
    fn other_values_mean_what_the_configuration_says() {
        let ask = |claims: Value, action| config("groups").permits(&claims, action);
        assert!(ask(json!({"groups": ["x", "fleet-admins"]}), Action::Invoke));
        assert!(ask(json!({"groups": "viewers"}), Action::ReadDevices));
        assert!(ask(json!({"groups": "viewers"}), Action::WriteTwins));
        assert!(!ask(json!({"groups": "viewers"}), Action::Invoke));
        for none in [json!({}), json!({"groups": null}), json!({"groups": [1]}), json!({"roles": ["fleet-admins"]})] {
            assert!(!ask(none, Action::ReadTwins));
        }
    }

    #[test]
    fn the_claim_may_be_nested_or_have_dots_in_its_name() {
        let nested = json!({"realm_access": {"roles": ["fleet-admins"]}});
        assert!(config("realm_access.roles").permits(&nested, Action::Invoke));
        let dotted = json!({"https://example.com/roles": ["fleet-admins"]});
        assert!(config("https://example.com/roles").permits(&dotted, Action::Invoke));
    }

    #[test]
    fn roles_are_called_as_in_azure() {
        for role in DataRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("Reader".parse::<DataRole>().unwrap_err().to_string().contains("IoT Hub Data Reader"));
    }
}
