//! The texts that the head of a request holds for a parameter.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, header};

use super::text;
use crate::routes::PathParams;

/// What of a request holds parameters.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The parameters of the path, if its route has any.
    pub path: Option<&'a PathParams>,
    /// The query as it was sent, without its question mark; empty if there is none.
    pub query: &'a str,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

/// The texts of one parameter, or what was sent in its place if that is no text.
pub(super) enum Texts<'a> {
    None,
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
    Unreadable(String),
}

impl<'a> Texts<'a> {
    /// Of texts, each with a flag: not readable.
    fn of(mut texts: impl Iterator<Item = Result<Cow<'a, str>, String>>) -> Self {
        let first = match texts.next() {
            None => return Self::None,
            Some(Err(lossy)) => return Self::Unreadable(lossy),
            Some(Ok(first)) => first,
        };
        match texts.next() {
            None => Self::One(first),
            Some(second) => match std::iter::once(second).chain(texts).collect::<Result<Vec<_>, _>>() {
                Ok(mut rest) => {
                    rest.insert(0, first);
                    Self::Several(rest)
                }
                Err(lossy) => Self::Unreadable(lossy),
            },
        }
    }
}

/// How many pairs of a query are kept without an allocation.
const FEW: usize = 16;

/// The pairs of a query, split once, not yet decoded.
pub(super) struct Query<'a> {
    few: [(&'a str, &'a str); FEW],
    count: usize,
    more: Vec<(&'a str, &'a str)>,
}

impl<'a> Query<'a> {
    pub(super) fn split(raw: &'a str) -> Self {
        let mut query = Self { few: [("", ""); FEW], count: 0, more: Vec::new() };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let pair = pair.split_once('=').unwrap_or((pair, ""));
            match query.few.get_mut(query.count) {
                Some(place) => {
                    *place = pair;
                    query.count += 1;
                }
                None => query.more.push(pair),
            }
        }
        query
    }

    /// Names and values as they were sent.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &(&'a str, &'a str)> {
        self.few[..self.count].iter().chain(&self.more)
    }

    pub(super) fn texts(&self, key: &str) -> Texts<'a> {
        let pairs = self.pairs().filter(|(name, _)| is_called(name, key));
        Texts::of(pairs.map(|(_, value)| text::decoded(value).ok_or_else(|| (*value).to_owned())))
    }
}

fn is_called(name: &str, key: &str) -> bool {
    name == key || (name.contains(['%', '+']) && text::decoded(name).is_some_and(|name| name == key))
}

pub(super) fn header_texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Texts<'a> {
    let values = headers.get_all(name).iter().map(http::HeaderValue::as_bytes);
    Texts::of(
        values
            .map(|value| std::str::from_utf8(value).map(Cow::Borrowed).map_err(|_| String::from_utf8_lossy(value).into_owned())),
    )
}

/// Cookies as they were sent, quotes and percent-encoding included (RFC 6265 section 5.4).
pub(super) fn cookie_texts<'a>(headers: &'a HeaderMap, key: &str) -> Texts<'a> {
    let fields = headers.get_all(header::COOKIE).iter().map(http::HeaderValue::as_bytes);
    let pairs = fields.flat_map(|field| field.split(|&byte| byte == b';')).filter_map(|pair| {
        let middle = pair.iter().position(|&byte| byte == b'=')?;
        (pair[..middle].trim_ascii() == key.as_bytes()).then(|| pair[middle + 1..].trim_ascii())
    });
    // One application's cookie must not shut a user out of another one on the same host.
    Texts::of(pairs.map(|value| Ok(String::from_utf8_lossy(value))))
}
