//! Who a request is from, once that is verified.

use std::sync::{Arc, OnceLock};

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
    /// The value of a claim of the token. `realm_access.roles` is the member `roles` of the claim
    /// `realm_access`, unless there is a claim of that very name.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        let claims = self.claims.as_ref()?;
        let inside = || {
            let (first, rest) = name.split_once('.')?;
            rest.split('.').try_fold(claims.get(first)?, |value, member| value.get(member))
        };
        claims.get(name).or_else(inside)
    }
}

/// Where authentication notes the consumer for a policy outside it, which has handed the request
/// on by then; an extension of requests that such a policy adds.
#[derive(Clone, Default)]
pub(crate) struct ConsumerNote(Arc<OnceLock<Arc<str>>>);

impl ConsumerNote {
    /// Notes the consumer of an identity; the first one stays.
    pub(crate) fn note(&self, identity: &Identity) {
        if let Some(consumer) = &identity.consumer {
            self.0.get_or_init(|| Arc::clone(consumer));
        }
    }

    /// What was noted.
    pub(crate) fn consumer(&self) -> Option<&str> {
        self.0.get().map(|consumer| &**consumer)
    }
}
