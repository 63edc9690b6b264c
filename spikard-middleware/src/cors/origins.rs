//! Which origins may read answers: exact ones, whole subdomains, patterns, or any.

use std::collections::HashSet;

use regex::bytes::Regex;

use crate::context::{BuildContext, BuildError};
use crate::origin;

/// The parsed setting `origins`.
#[derive(Debug)]
pub(super) enum Origins {
    Any,
    Listed { exact: HashSet<Box<[u8]>>, subdomains: Vec<Subdomains>, patterns: Vec<Regex> },
}

impl Origins {
    pub(super) fn of(written: &[String], ctx: &BuildContext) -> Result<Self, BuildError> {
        if written.is_empty() {
            return Err(ctx.invalid("origins", "origins is empty, expected at least one"));
        }
        let (mut exact, mut subdomains, mut patterns) = (HashSet::new(), Vec::new(), Vec::new());
        let (mut any, mut errors) = (false, Vec::new());
        for (index, origin) in written.iter().enumerate() {
            let parsed = if origin == "*" {
                any = true;
                Ok(())
            } else if let Some(pattern) = origin.strip_prefix("regex:") {
                // Anchored: a pattern that fits a part would let `https://app.example.evil.com` in.
                // Read alone first: `a)|(?:b` is a pattern only inside the anchors, and undoes them.
                let regex = Regex::new(pattern).and_then(|_| Regex::new(&format!(r"\A(?:{pattern})\z")));
                regex.map(|regex| patterns.push(regex)).map_err(|error| format!("`{pattern}` is not a pattern: {error}"))
            } else if origin.contains('*') {
                Subdomains::of(origin).map(|found| subdomains.push(found))
            } else {
                origin::check(origin).map(|()| {
                    exact.insert(origin.as_bytes().into());
                })
            };
            if let Err(message) = parsed {
                errors.push(ctx.invalid(&format!("origins.{index}"), message));
            }
        }
        if any && written.len() > 1 {
            errors.push(ctx.invalid("origins", "`*` stands beside other origins, expected it alone"));
        }
        BuildError::all(errors)?;
        Ok(if any { Self::Any } else { Self::Listed { exact, subdomains, patterns } })
    }

    pub(super) fn contain(&self, origin: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Listed { exact, subdomains, patterns } => {
                exact.contains(origin)
                    || subdomains.iter().any(|subdomains| subdomains.contain(origin))
                    || patterns.iter().any(|pattern| pattern.is_match(origin))
            }
        }
    }
}

/// `https://*.example.com:8443`: any number of labels in front, at least one.
#[derive(Debug)]
pub(super) struct Subdomains {
    /// `https://`
    scheme: String,
    /// `.example.com:8443`
    domain: String,
}

impl Subdomains {
    fn of(written: &str) -> Result<Self, String> {
        let misplaced = || format!("`{written}` has `*` in another place, expected `scheme://*.domain`");
        let (scheme, domain) = written.split_once("://*.").ok_or_else(misplaced)?;
        origin::check(&format!("{scheme}://{domain}")).map_err(|_| misplaced())?;
        Ok(Self { scheme: format!("{scheme}://"), domain: format!(".{domain}") })
    }

    fn contain(&self, origin: &[u8]) -> bool {
        let labels = origin.strip_prefix(self.scheme.as_bytes()).and_then(|rest| rest.strip_suffix(self.domain.as_bytes()));
        labels.and_then(|labels| std::str::from_utf8(labels).ok()).is_some_and(origin::is_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(written: &[&str]) -> Result<Origins, String> {
        let written: Vec<String> = written.iter().map(|&origin| origin.to_owned()).collect();
        Origins::of(&written, &BuildContext::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wildcard_takes_whole_labels_only() {
        let origins = origins(&["https://*.example.com", "http://*.dev.test:8080"]).unwrap();
        for origin in ["https://a.example.com", "https://a.b-1.example.com", "http://x.dev.test:8080"] {
            assert!(origins.contain(origin.as_bytes()), "{origin}");
        }
        for origin in [
            "https://example.com",
            "https://evilexample.com",
            "https://.example.com",
            "https://a..example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil.org",
            "https://evil.org/.example.com",
            "https://evil.org#.example.com",
            "https://evil.org:1.example.com",
            "https://user@a.example.com",
            "http://x.dev.test",
            "null",
            "",
        ] {
            assert!(!origins.contain(origin.as_bytes()), "{origin}");
        }
    }

    #[test]
    fn a_pattern_has_to_fit_from_end_to_end() {
        let origins = origins(&[r"regex:https://app-[0-9]+\.example|http://localhost"]).unwrap();
        assert!(origins.contain(b"https://app-7.example"));
        assert!(origins.contain(b"http://localhost"));
        for origin in ["https://app-7.example.evil.org", "https://evil.org/?https://app-7.example", "http://localhost\n"] {
            assert!(!origins.contain(origin.as_bytes()), "{origin}");
        }
    }

    #[test]
    fn refuses_origins_that_could_not_match_as_meant() {
        for (written, expected) in [
            (&[][..], "origins: origins is empty, expected at least one"),
            (
                &["https://a.example/"],
                "origins[0]: `https://a.example/` is not an origin as browsers send it, expected `https://a.example`",
            ),
            (
                &["https://a.*.example"],
                "origins[0]: `https://a.*.example` has `*` in another place, expected `scheme://*.domain`",
            ),
            (
                &["https://*.*.example"],
                "origins[0]: `https://*.*.example` has `*` in another place, expected `scheme://*.domain`",
            ),
            (&["*", "https://a.example"], "origins: `*` stands beside other origins, expected it alone"),
        ] {
            assert_eq!(origins(written).err().as_deref(), Some(expected));
        }
        for pattern in ["(", "https://a)|(?:https://b", "x (?x) #"] {
            let error = origins(&["https://a.example", &format!("regex:{pattern}")]).err().unwrap_or_default();
            assert!(error.starts_with(&format!("origins[1]: `{pattern}` is not a pattern: ")), "{pattern}: {error}");
        }
    }
}
