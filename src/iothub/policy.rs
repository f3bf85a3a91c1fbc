//! Shared access policies and what they permit (protocol reference 1.3).

use std::fmt;
use std::ops::BitOr;

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);
    /// Read identities and device statistics.
    pub const REGISTRY_READ: Self = Self(1);
    /// Write identities.
    pub const REGISTRY_WRITE: Self = Self(1 << 1);
    /// Twins, queries, direct methods, jobs.
    pub const SERVICE_CONNECT: Self = Self(1 << 2);
    /// The device protocols.
    pub const DEVICE_CONNECT: Self = Self(1 << 3);
    /// Read enrolments and registrations.
    pub const ENROLLMENT_READ: Self = Self(1 << 4);
    /// Write enrolments and registrations.
    pub const ENROLLMENT_WRITE: Self = Self(1 << 5);

    const NAMES: [(&'static str, Self); 6] = [
        ("RegistryRead", Self::REGISTRY_READ),
        ("RegistryWrite", Self::REGISTRY_WRITE),
        ("ServiceConnect", Self::SERVICE_CONNECT),
        ("DeviceConnect", Self::DEVICE_CONNECT),
        ("EnrollmentRead", Self::ENROLLMENT_READ),
        ("EnrollmentWrite", Self::ENROLLMENT_WRITE),
    ];

    /// Both sets together, also in constants.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every permission of `other` is here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether at least one permission of `other` is here.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Reads names between commas, as [`Display`](fmt::Display) writes them; letter case does not count.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).try_fold(Self::NONE, |set, name| {
            let (_, one) = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
            Some(set.with(*one))
        })
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (name, _) in Self::NAMES.iter().filter(|(_, one)| self.contains(*one)) {
            write!(f, "{between}{name}")?;
            between = ", ";
        }
        Ok(())
    }
}

/// The policies that every hub is born with.
pub const DEFAULT_POLICIES: [(&str, Permissions); 6] = [
    (
        "iothubowner",
        Permissions::REGISTRY_READ
            .with(Permissions::REGISTRY_WRITE)
            .with(Permissions::SERVICE_CONNECT)
            .with(Permissions::DEVICE_CONNECT),
    ),
    ("service", Permissions::SERVICE_CONNECT),
    ("device", Permissions::DEVICE_CONNECT),
    ("registryRead", Permissions::REGISTRY_READ),
    ("registryReadWrite", Permissions::REGISTRY_READ.with(Permissions::REGISTRY_WRITE)),
    ("provisioningserviceowner", Permissions::ENROLLMENT_READ.with(Permissions::ENROLLMENT_WRITE)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_print_and_parse() {
        for (_, permissions) in DEFAULT_POLICIES {
            assert_eq!(Permissions::parse(&permissions.to_string()), Some(permissions));
        }
        assert_eq!(Permissions::parse("registryread,Everything"), None);
        assert_eq!(Permissions::parse(""), Some(Permissions::NONE));
    }

    #[test]
    fn a_service_policy_does_not_write_identities() {
        let (_, service) = DEFAULT_POLICIES[1];
        assert!(service.contains(Permissions::SERVICE_CONNECT) && !service.contains(Permissions::REGISTRY_WRITE));
        assert!(service.intersects(Permissions::REGISTRY_READ | Permissions::SERVICE_CONNECT));
    }
}
