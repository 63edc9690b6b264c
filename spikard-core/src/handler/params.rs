//! Names and values of a query, of cookies and of urlencoded forms.

use std::str::Utf8Error;

use percent_encoding::percent_decode;

/// Names and values in the order in which they came. A name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query: `a=1&b=2`, `+` and percent-encoding undone.
    ///
    /// # Errors
    /// When a name or value is not UTF-8.
    pub fn urlencoded(text: &[u8]) -> Result<Self, Utf8Error> {
        pairs(text).collect::<Result<_, _>>().map(Self)
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter_map(move |(known, value)| (known == name).then_some(value))
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The names and values of `application/x-www-form-urlencoded` text (URL standard, section 5.1),
/// except that what is not UTF-8 is an error: replaced characters would be lost ones.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = Result<(String, String), Utf8Error>> {
    text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let middle = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let value = pair.get(middle + 1..).unwrap_or_default();
        Ok((decode(&pair[..middle])?, decode(value)?))
    })
}

fn decode(text: &[u8]) -> Result<String, Utf8Error> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).decode_utf8().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_value_in_its_order() {
        let params = Params::urlencoded(b"tag=a&q=x+y%2Bz&tag=&&tag=c%3D1&flag&%zz=1").unwrap();
        assert_eq!(params.all("tag").collect::<Vec<_>>(), ["a", "", "c=1"]);
        assert_eq!((params.get("q"), params.get("flag"), params.get("%zz")), (Some("x y+z"), Some(""), Some("1")));
        assert_eq!(params.get("none"), None);
    }

    #[test]
    fn refuses_what_is_not_utf_8() {
        assert!(Params::urlencoded(b"q=caf%E9").is_err());
        assert!(Params::urlencoded(b"q=caf%C3%A9").is_ok());
    }
}
