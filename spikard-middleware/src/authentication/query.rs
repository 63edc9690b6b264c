//! Takes a parameter out of the query of a request, so that nothing below sees it.

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

/// Removes every parameter `name` from `uri` and gives the decoded values. What is left stays as
/// it was, byte for byte.
pub(super) fn take(uri: &mut Uri, name: &str) -> Vec<Vec<u8>> {
    let Some(query) = uri.query() else { return Vec::new() };
    let mut taken = Vec::new();
    let mut left = Vec::new();
    for parameter in query.split('&') {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if percent_decode_str(key).eq(name.bytes()) {
            taken.push(percent_decode_str(value).collect());
        } else {
            left.push(parameter);
        }
    }
    if !taken.is_empty() {
        let mut rest = uri.path().to_owned();
        if !left.is_empty() {
            rest.push('?');
            rest.push_str(&left.join("&"));
        }
        let mut parts = uri.clone().into_parts();
        // Parts of what was a path and query are one.
        parts.path_and_query = PathAndQuery::try_from(rest).ok();
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_spelling_of_the_parameter_and_leaves_the_rest_as_it_is() {
        for (before, values, after) in [
            ("/p?api_key=s%2B1", vec!["s+1"], "/p"),
            ("/p?a=%20&api%5Fkey=x&b&api_key", vec!["x", ""], "/p?a=%20&b"),
            ("http://h:1/p?a=1&api_key=x#f", vec!["x"], "http://h:1/p?a=1"),
            ("/p?API_KEY=x&a=api_key", vec![], "/p?API_KEY=x&a=api_key"),
            ("/p", vec![], "/p"),
        ] {
            let mut uri: Uri = before.parse().unwrap();
            let taken = take(&mut uri, "api_key");
            assert_eq!(taken, values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{before}");
            assert_eq!(uri.to_string(), after);
        }
    }
}
