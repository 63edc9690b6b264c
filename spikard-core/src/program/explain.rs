//! `explain`: one request, answered by the very gateway that would serve it.

use std::path::Path;
use std::process::ExitCode;

use http::{Method, Uri};
use spikard_middleware::ConfigPath;

use super::{check, inspect};
use crate::explain::{Question, explain};
use crate::python::PythonLeaves;
use crate::reload::Edition;

pub(super) fn run(file: &Path, python: &dyn PythonLeaves, (method, url, headers): (&str, &str, &[String])) -> ExitCode {
    let Edition { loaded, gateway, .. } = match check::built(file, python) {
        Ok(built) => built,
        Err(code) => return code,
    };
    let (method, uri, host) = match request(method, url, headers) {
        Ok(request) => request,
        Err(message) => {
            eprintln!("spikard: {message}");
            return ExitCode::from(2);
        }
    };
    let origin = |place: &ConfigPath| loaded.origin_of(place);
    let question = Question { method: &method, host: &host, path: uri.path() };
    inspect::write(&explain(&gateway, &question, &origin).to_string())
}

/// Method, URL and host of the request that is asked about.
fn request(method: &str, url: &str, headers: &[String]) -> Result<(Method, Uri, String), String> {
    let method = method.to_ascii_uppercase().parse().map_err(|_| format!("`{method}` is not a method"))?;
    let uri: Uri =
        url.parse().map_err(|_| format!("`{url}` is not a URL, expected one such as http://localhost:8000/users or a path"))?;
    let mut host = uri.authority().map_or("localhost", http::uri::Authority::as_str).to_owned();
    for header in headers {
        let (name, value) =
            header.split_once(':').ok_or_else(|| format!("`{header}` is not a header, expected `Name: value`"))?;
        if name.trim().eq_ignore_ascii_case("host") {
            value.trim().clone_into(&mut host);
        }
    }
    Ok((method, uri, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_that_of_the_header_else_that_of_the_url() {
        let host = |url, headers: &[&str]| {
            request("get", url, &headers.iter().map(|&header| header.into()).collect::<Vec<_>>()).unwrap().2
        };
        assert_eq!(host("http://a.example:80/x", &[]), "a.example:80");
        assert_eq!(host("http://a.example/x", &["Accept: */*", "host: b.example"]), "b.example");
        assert_eq!(host("/x", &[]), "localhost");
    }
}
