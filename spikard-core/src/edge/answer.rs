//! Holds an answer of the upstream against its operation: the status, the media type, and JSON.
//!
//! An answer that is only logged is not touched: a copy of what passes is looked at behind the last
//! byte. One that may be refused is read first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Method, StatusCode};
use spikard_middleware::problem::{BAD_GATEWAY, Subject};
use spikard_middleware::{Body, Response};

use super::compile::Operation;
use super::media::{best, essence_of, is_json};
use super::observed::Observed;
use crate::handler::{Arriving, aside, scan};
use crate::validation::{Location, Schema, Violation};

/// The largest answer that is looked into.
pub(super) const LARGEST: usize = 10 << 20;

/// How deep the JSON of an answer may be nested to be looked into.
const DEPTH: usize = 128;

/// How many violations of one answer the log lists.
const LISTED: usize = 3;

/// Answers that have no place in a document: they belong to HTTP itself.
const OF_HTTP: [StatusCode; 3] = [StatusCode::SWITCHING_PROTOCOLS, StatusCode::PARTIAL_CONTENT, StatusCode::NOT_MODIFIED];

/// What the log says of a broken answer, and how many there were.
#[derive(Clone)]
pub(super) struct Witness {
    pub(super) subject: Subject,
    /// What the document is called.
    pub(super) document: Arc<str>,
    pub(super) operation: Arc<str>,
    pub(super) count: Arc<AtomicU64>,
}

impl Witness {
    pub(super) fn broken(&self, what: &str) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(
            request_id = self.subject.request_id(),
            operation = &*self.operation,
            count,
            "answer of the upstream breaks {}: {what}",
            self.document,
        );
    }

    /// What cannot be looked into is not broken.
    pub(super) fn unchecked(&self, why: &str) {
        let (request_id, operation) = (self.subject.request_id(), &*self.operation);
        tracing::warn!(request_id, operation, "answer of the upstream is not checked: {why}");
    }

    fn refusal(&self) -> Response {
        BAD_GATEWAY.response(&self.subject, "upstream gave an answer that its description does not allow")
    }
}

impl Operation {
    /// Whether answers are looked into.
    pub(super) fn reads_answers(&self) -> bool {
        self.answers.iter().flat_map(|answer| &answer.content).any(|(_, content)| content.schema.is_some())
    }

    /// The schema that the body of an answer is held to, if it is.
    fn schema_of(&self, method: &Method, response: &Response, witness: &Witness) -> Result<Option<&Schema>, String> {
        let status = response.status();
        if OF_HTTP.contains(&status) {
            return Ok(None);
        }
        let rule = self.answers.iter().find(|answer| answer.status.is_of(status));
        let content = &rule.ok_or_else(|| format!("status {} is not described", status.as_u16()))?.content;
        if content.is_empty() || method == Method::HEAD || status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let essence = essence_of(response.headers()).ok_or("it has no media type")?;
        let content = best(content, &essence).ok_or_else(|| format!("media type {essence} is not described"))?;
        let schema = content.schema.as_ref().filter(|_| is_json(&essence));
        if schema.is_some() && response.headers().contains_key(CONTENT_ENCODING) {
            witness.unchecked("it has a content encoding");
            return Ok(None);
        }
        Ok(schema)
    }

    /// Lets an answer pass, and says in the log whether it fits.
    pub(super) fn watch(&self, method: &Method, response: Response, witness: Witness) -> Response {
        match self.schema_of(method, &response, &witness) {
            Err(what) => witness.broken(&what),
            Ok(None) => {}
            Ok(Some(schema)) => {
                let schema = schema.clone();
                return response.map(|body| Body::new(Observed::new(body, schema, witness)));
            }
        }
        response
    }

    /// Lets an answer pass if it fits.
    pub(super) async fn enforce(&self, method: &Method, response: Response, witness: Witness) -> Response {
        let schema = match self.schema_of(method, &response, &witness) {
            Err(what) => {
                witness.broken(&what);
                return witness.refusal();
            }
            Ok(None) => return response,
            Ok(Some(schema)) => schema.clone(),
        };
        let (parts, body) = response.into_parts();
        let mut arriving = Arriving::new(body);
        let mut pieces = Vec::new();
        let mut size = 0;
        loop {
            match arriving.piece().await {
                Ok(Some(piece)) => {
                    size += piece.len();
                    pieces.push(piece);
                }
                Ok(None) => break,
                Err(refused) => {
                    witness.unchecked(&format!("it broke off: {refused}"));
                    return BAD_GATEWAY.response(&witness.subject, "upstream gave no usable answer");
                }
            }
            if size > LARGEST {
                witness.unchecked("it is too large");
                pieces.into_iter().rev().for_each(|piece| arriving.put_back(piece));
                return Response::from_parts(parts, Body::new(arriving));
            }
        }
        let bytes = Bytes::from(pieces.concat());
        let copy = bytes.clone();
        match aside(size, move || misfit(&schema, &copy)).await {
            None => Response::from_parts(parts, Body::from(bytes)),
            Some(what) => {
                witness.broken(&what);
                witness.refusal()
            }
        }
    }
}

/// What about a JSON text does not fit; none if all of it does. No value of it is told.
pub(super) fn misfit(schema: &Schema, text: &[u8]) -> Option<String> {
    if let Err(refused) = scan(text, DEPTH) {
        return Some(format!("body is no JSON: {}", refused.detail()));
    }
    let violations = schema.violations_in(text, &Location::body());
    let told = |violation: &Violation| format!("{}: {}", violation.loc.parts().collect::<Vec<_>>().join("."), violation.msg);
    let first: Vec<String> = violations.iter().take(LISTED).map(told).collect();
    match violations.len() {
        0 => None,
        count if count > LISTED => Some(format!("{}; and {} more", first.join("; "), count - LISTED)),
        _ => Some(first.join("; ")),
    }
}
