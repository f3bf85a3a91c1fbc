//! The methods of this project's own agent.

use super::{Effect, Method};

pub(super) fn methods() -> Vec<Method> {
    vec![Method::bare("twinops*recheck", "Reads the platform anew, applies what differs, and reports", Effect::Changes)]
}
