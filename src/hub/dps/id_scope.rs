//! The id scope: which provisioning service a device means (protocol reference 1.3, 13.1). No secret, and never changed,
//! for it is written into devices.

use crate::hub::{
    hex::hex,
    random::{self, NoRandomness},
};

/// The setting under which it is stored.
pub(crate) const ID_SCOPE: &str = "idScope";

/// A new one, in the shape that tools know: `0ne` and eight hexadecimal digits.
pub(crate) fn new_id_scope() -> Result<String, NoRandomness> {
    let mut bytes = [0; 4];
    random::fill(&mut bytes)?;
    Ok(format!("0ne{}", hex(&bytes).to_uppercase()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_services_have_the_same_scope() {
        let scope = super::new_id_scope().unwrap();
        assert!(scope.len() == 11 && scope.starts_with("0ne"), "{scope}");
        assert_ne!(scope, super::new_id_scope().unwrap());
    }
}
