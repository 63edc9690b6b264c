//! What a document is told of a route beside what its function says: where it stands, and what
//! stands around it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::info::SecuritySchemeInfo;
use crate::operation::{Header, Operation};

/// A route as a document needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Endpoint {
    /// The path, with its parameters in braces: `/users/{id}`.
    pub path: String,
    /// The host, if it answers for one only.
    pub host: Option<String>,
    /// The methods, in upper case.
    pub methods: Vec<String>,
    /// What the route says of itself.
    pub operation: Operation,
    /// What its policies and the server add.
    pub surroundings: Surroundings,
}

/// What stands around the function of a route: what is asked of clients, and what is answered in its
/// place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// The schemes, each of which is enough; none: it is public.
    pub security: Vec<SecurityScheme>,
    /// What is answered in place of the function.
    pub problems: Vec<Problem>,
    /// What every answer carries.
    pub headers: Vec<Header>,
}

impl Surroundings {
    /// What is answered to an operation in place of its function, by status.
    pub(super) fn problems_of(&self, method: &str, has_body: bool) -> BTreeMap<u16, Vec<&Problem>> {
        let mut problems: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
        for problem in self.problems.iter().filter(|problem| problem.when.applies(method, has_body)) {
            problems.entry(problem.status).or_default().push(problem);
        }
        problems
    }
}

/// A scheme that a policy checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityScheme {
    /// What it is called, where the settings call it nothing.
    pub name: String,
    /// The scheme.
    pub info: SecuritySchemeInfo,
}

/// A refusal, answered as problem details (RFC 9457).
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The status.
    pub status: u16,
    /// What the component is called: `TooManyRequests`.
    pub name: String,
    /// The title of the problem.
    pub title: String,
    /// The headers of the answer.
    pub headers: Vec<Header>,
    /// To which requests it is answered.
    pub when: When,
    /// Whether it may come before all policies, and so without what they add to every answer.
    pub is_outside: bool,
}

/// To which requests a refusal is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// To any.
    Always,
    /// To those with a body.
    Body,
    /// To those whose method may change something (RFC 9110 section 9.2.1).
    Unsafe,
}

impl When {
    /// Whether it may be answered to an operation.
    fn applies(self, method: &str, has_body: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Body => has_body,
            Self::Unsafe => !matches!(method, "get" | "head" | "options" | "trace"),
        }
    }
}

/// What the bodies of refusals look like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProblemSchemas {
    /// Of any refusal.
    pub problem: Value,
    /// Of a request that does not fit its schema (422), which lists what does not.
    pub validation: Value,
}
