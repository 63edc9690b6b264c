//! Content codings, and which of them a client wants (RFC 9110 sections 8.4.1 and 12.5.3). Used
//! where bodies are compressed and where precompressed files are chosen; what is done with a
//! coding stands there.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use crate::vary::vary_by;

/// A content coding that answers can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
    /// gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// The name in `Accept-Encoding` and `Content-Encoding`.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn is_named(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.token()) || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }
}

/// The weights of one `Accept-Encoding`, from 0 to 1; none where the field says nothing.
struct Weights<'a> {
    items: Vec<(&'a str, f32)>,
}

impl<'a> Weights<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        Self { items: values.flat_map(|value| value.split(',')).filter_map(item).collect() }
    }

    fn of_name(&self, is_named: impl Fn(&str) -> bool) -> Option<f32> {
        let named = self.items.iter().find(|(name, _)| is_named(name));
        named.or_else(|| self.items.iter().find(|(name, _)| *name == "*")).map(|(_, weight)| *weight)
    }
}

/// `gzip;q=0.8`. An item whose weight is not a number from 0 to 1 is passed over.
fn item(text: &str) -> Option<(&str, f32)> {
    let Some((name, parameter)) = text.split_once(';') else { return Some((text.trim(), 1.0)) };
    let (key, weight) = parameter.split_once('=')?;
    let weight = weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    key.trim().eq_ignore_ascii_case("q").then_some((name.trim(), weight))
}

/// The one of `offered` that the client likes best; the earlier one of two it likes equally. None
/// is the body as it is: also where the client refuses that (`identity;q=0`), since a body that it
/// may not like serves it better than a 406.
pub fn preferred(headers: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let weights = Weights::of(headers);
    let mut best = (None, 0.0);
    for coding in offered {
        let weight = weights.of_name(|name| coding.is_named(name)).unwrap_or(0.0);
        if weight > best.1 {
            best = (Some(*coding), weight);
        }
    }
    let identity = weights.of_name(|name| name.eq_ignore_ascii_case("identity")).unwrap_or(0.0);
    best.0.filter(|_| best.1 >= identity)
}

/// Says that the answer depends on `Accept-Encoding`, unless it says so already.
pub fn vary_by_encoding(headers: &mut HeaderMap) {
    vary_by(headers, "accept-encoding");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::VARY;

    #[test]
    fn chooses_by_weight_and_then_by_our_order() {
        for (field, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip;q=1.0, br;q=0.9", Some("gzip")),
            ("GZIP ; Q=0.5", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("*", Some("zstd")),
            ("zstd;q=0, *;q=0.1", Some("br")),
            ("identity, gzip;q=0.5", None),
            ("gzip;q=0.5, identity;q=0.5", Some("gzip")),
            ("gzip;q=0", None),
            ("gzip;q=2, br;q=x", None),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("deflate", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(field))]);
            let coding = preferred(&headers, &[Coding::Zstd, Coding::Brotli, Coding::Gzip]);
            assert_eq!(coding.map(Coding::token), expected, "{field}");
        }
    }

    #[test]
    fn varies_once() {
        for (before, after) in [(None, 1), (Some("Accept-Encoding, origin"), 1), (Some("*"), 1), (Some("origin"), 2)] {
            let mut headers: HeaderMap = before.map(|value| (VARY, HeaderValue::from_static(value))).into_iter().collect();
            vary_by_encoding(&mut headers);
            assert_eq!(headers.get_all(VARY).iter().count(), after, "{before:?}");
        }
    }
}
