//! What a policy says of itself for the description of an API: it stands beside the policy, so that
//! a document cannot promise what the policy does not do.

use crate::problem::Refusal;

/// What a policy adds to the description of the routes that it stands before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// What it answers itself.
    pub refusals: Vec<Refused>,
    /// What it takes as credentials, each of which is enough.
    pub credentials: Vec<Credentials>,
    /// What it adds to every answer.
    pub headers: Vec<AnswerHeader>,
}

/// A refusal, and when it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its status and its title.
    pub refusal: Refusal,
    /// The headers of the answer.
    pub headers: Vec<AnswerHeader>,
    /// Which requests may be refused.
    pub of: Requests,
}

/// Requests that a policy may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// Any.
    All,
    /// Those with a body.
    WithBody,
    /// Those whose method may change something (RFC 9110 section 9.2.1).
    Unsafe,
}

/// A header of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerHeader {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    /// Whether it is a whole number; text otherwise.
    pub is_whole: bool,
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A token in `Authorization: Bearer`, of this format.
    Bearer(&'static str),
    /// A key in this header.
    Header(String),
    /// A key in this parameter of the query.
    Query(String),
}

impl Description {
    /// A policy that answers any request with this refusal.
    pub fn refusing(refusal: Refusal) -> Self {
        Self::default().and(refusal, Requests::All, &[])
    }

    /// The same, with one more refusal.
    #[must_use]
    pub fn and(mut self, refusal: Refusal, of: Requests, headers: &[AnswerHeader]) -> Self {
        self.refusals.push(Refused { refusal, headers: headers.to_vec(), of });
        self
    }
}

impl AnswerHeader {
    /// A header with text.
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, description, is_whole: false }
    }

    /// A header with a whole number.
    pub const fn whole(name: &'static str, description: &'static str) -> Self {
        Self { name, description, is_whole: true }
    }
}
