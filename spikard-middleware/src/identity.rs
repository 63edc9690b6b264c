//! Who a request is from, once that is verified.

use std::sync::Arc;

use serde_json::{Map, Value};

/// The verified identity of a request; an extension of every request that passed authentication.
///
/// Only what a valid credential says is ever in here: a claim of a forged token is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The name of the API key that was presented.
    pub consumer: Option<Arc<str>>,
    /// The claims of the token that was presented.
    pub claims: Option<Arc<Map<String, Value>>>,
}

impl Identity {
    /// The value of a claim of the token.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.as_ref()?.get(name)
    }
}
