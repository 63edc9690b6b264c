//! The name of a host as requests carry it around: text that is cloned without copying.

use std::fmt;
use std::ops::Deref;

use http::HeaderValue;

/// The host that a request asks for, with the port if it names one. Empty if it names none.
#[derive(Clone, PartialEq, Eq)]
pub struct Host(HeaderValue);

impl Host {
    /// The host as text.
    pub fn as_str(&self) -> &str {
        // Only visible ASCII is ever put in.
        self.0.to_str().unwrap_or_default()
    }

    /// The host as the value of a header.
    pub fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

impl From<&HeaderValue> for Host {
    /// The host of a `Host` header. One that is not text names no host.
    fn from(value: &HeaderValue) -> Self {
        Self(if value.to_str().is_ok() { value.clone() } else { HeaderValue::from_static("") })
    }
}

impl From<&str> for Host {
    fn from(text: &str) -> Self {
        Self(HeaderValue::from_str(text).ok().filter(|value| value.to_str().is_ok()).unwrap_or(HeaderValue::from_static("")))
    }
}

impl Deref for Host {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_names_no_host() {
        assert_eq!(&*Host::from("a.example:80"), "a.example:80");
        assert_eq!(&*Host::from("a\u{e4}"), "");
        assert_eq!(&*Host::from(&HeaderValue::from_static("a")), "a");
        assert_eq!(HeaderValue::from_bytes(b"\xff").map(|value| Host::from(&value).len()).ok(), Some(0));
    }
}
