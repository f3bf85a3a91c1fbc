//! How a component's status is told in the reported properties.

use std::{fmt, str::FromStr};

/// The member of a component's schema that names its convention.
pub const KEYWORD: &str = "x-twinops-status";

/// What a device of the [DM client's](Convention::Dm1) or the [Device Agent's](Convention::Dm2) kind, and who writes
/// for it, puts in the place of an object before they replace it (Windows reference 3.4).
pub const REFRESHING: &str = "refreshing";

/// A published way in which devices answer desired properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Convention {
    /// Writable properties of IoT Plug and Play: `{value, ac, av, ad}` (protocol reference 15.1).
    Pnp,
    /// `lastChange` beside the values, of the Windows IoT Azure DM client.
    Dm1,
    /// `__meta`, `__errors` and `__summary`, of the Azure Device Agent.
    Dm2,
    /// The reported value at the same path equals the desired one.
    #[default]
    Echo,
}

/// The name of no convention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status convention; `pnp`, `dm1`, `dm2` and `echo` are")]
pub struct UnknownConvention(String);

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 4] = [Self::Pnp, Self::Dm1, Self::Dm2, Self::Echo];

    /// Whether a device of this kind takes what arrives of a component for all there is of it, so that every write
    /// has to carry the whole component, and a `null` in it is a value like any other (Windows reference 3.4).
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Dm1 | Self::Dm2)
    }

    /// As schemas and reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pnp => "pnp",
            Self::Dm1 => "dm1",
            Self::Dm2 => "dm2",
            Self::Echo => "echo",
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Convention {
    type Err = UnknownConvention;

    fn from_str(text: &str) -> Result<Self, UnknownConvention> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| UnknownConvention(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_convention_is_read_as_it_is_written() {
        for convention in Convention::ALL {
            assert_eq!(convention.to_string().parse(), Ok(convention));
        }
        assert_eq!("PNP".parse::<Convention>(), Err(UnknownConvention("PNP".into())));
    }
}
