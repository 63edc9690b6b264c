//! Hashes of what requests are told apart by. They are the same on all machines, and in all
//! versions: gateways beside each other have to agree.

use std::hash::Hasher;
use std::net::IpAddr;

use http::header;
use siphasher::sip::SipHasher13;
use spikard_middleware::{Client, Request};

use crate::config::HashBy;

/// The hash of what a request has in the place of `by`. None: it has nothing there.
pub(super) fn key_of(request: &Request, by: &HashBy) -> Option<u64> {
    match by {
        HashBy::Address => Some(match request.extensions().get::<Client>()?.address {
            IpAddr::V4(address) => hash(&address.octets()),
            // A client has all of its /64 network.
            IpAddr::V6(address) => hash(&address.octets()[..8]),
        }),
        HashBy::Header(name) => request.headers().get(name).filter(|value| !value.is_empty()).map(|value| hash(value.as_bytes())),
        HashBy::Cookie(name) => {
            let fields = request.headers().get_all(header::COOKIE).iter();
            let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
            let values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
            values.filter(|value| !value.is_empty()).map(hash).next()
        }
    }
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Another number, in which every bit depends on every bit (the finalizer of splitmix64).
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A number between 0 and 1, neither of which it is.
pub(super) fn point_of(hash: u64) -> f64 {
    let step = f64::from(u32::MAX) + 1.0;
    (f64::from((hash >> 32) as u32) + 0.5) / step
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use spikard_middleware::Body;

    use super::*;

    fn key(by: &str, headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Client::local());
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        key_of(&request, &by.parse().unwrap())
    }

    #[test]
    fn a_request_is_told_apart_by_what_is_named_and_by_nothing_else() {
        assert_eq!(key("address", &[]), Some(hash(&[127, 0, 0, 1])));
        assert_eq!(key("header:x-tenant", &[("x-tenant", "a"), ("x-other", "b")]), Some(hash(b"a")));
        assert_eq!(key("header:x-tenant", &[("x-tenant", ""), ("x-other", "b")]), None);
        let cookies = [("cookie", "sidx=1; xsid=2;sid = 3"), ("cookie", "sid=; a=b; sid=x=y; sid=z")];
        assert_eq!(key("cookie:sid", &cookies), Some(hash(b"x=y")));
        assert_eq!(key("cookie:none", &cookies), None);
    }

    #[test]
    fn hashes_stay_what_they_are() {
        assert_eq!((hash(b"a"), mix(1)), (0x4074_48d2_b89b_1813, 0x910a_2dec_8902_5cc1));
    }
}
