//! What stands around the function of a route, for the document: what its policies say of
//! themselves, and what the server answers.

use http::StatusCode;
use serde_json::json;
use spikard_middleware::Policies;
use spikard_middleware::description::{AnswerHeader, Credentials, Requests};
use spikard_middleware::problem::{BAD_REQUEST, Refusal};
use spikard_openapi::{
    Header, Problem, SecurityScheme, SecuritySchemeInfo, SecuritySchemeLocation, SecuritySchemeType, Surroundings, When,
};

/// What stands around an operation behind these policies. `own` is what else is answered in place of
/// its function.
pub(super) fn of(policies: &Policies, own: &[Refusal]) -> Surroundings {
    // A path, host or framing that cannot be: CONTRACT, whatever the route.
    let outside = Problem { is_outside: true, ..problem(BAD_REQUEST, When::Always, &[]) };
    let mut surroundings = Surroundings { problems: vec![outside], ..Surroundings::default() };
    for (key, description) in policies.descriptions() {
        surroundings.security.extend(description.credentials.into_iter().map(|credentials| scheme(key, credentials)));
        surroundings.headers.extend(description.headers.iter().map(header));
        let refusals = description.refusals.iter();
        surroundings.problems.extend(refusals.map(|refused| problem(refused.refusal, when(refused.of), &refused.headers)));
    }
    surroundings.problems.extend(own.iter().map(|refusal| problem(*refusal, When::Always, &[])));
    surroundings
}

fn problem(refusal: Refusal, when: When, headers: &[AnswerHeader]) -> Problem {
    Problem {
        status: refusal.status.as_u16(),
        name: name_of(refusal.status),
        title: refusal.title.to_owned(),
        headers: headers.iter().map(|one| Header { required: false, ..header(one) }).collect(),
        when,
        is_outside: false,
    }
}

/// The reason phrase without spaces: `TooManyRequests`.
fn name_of(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Problem").split(' ').collect()
}

fn when(of: Requests) -> When {
    match of {
        Requests::All => When::Always,
        Requests::WithBody => When::Body,
        Requests::Unsafe => When::Unsafe,
    }
}

fn header(header: &AnswerHeader) -> Header {
    Header {
        name: header.name.to_owned(),
        description: Some(header.description.to_owned()),
        required: true,
        schema: json!({ "type": if header.is_whole { "integer" } else { "string" } }),
    }
}

/// The scheme of credentials, under the key of the policy that checks them.
fn scheme(key: &str, credentials: Credentials) -> SecurityScheme {
    let key_in = |location, name| SecuritySchemeInfo {
        kind: SecuritySchemeType::ApiKey,
        scheme: None,
        bearer_format: None,
        location: Some(location),
        name: Some(name),
    };
    let (name, info) = match credentials {
        Credentials::Bearer(format) => {
            let bearer = SecuritySchemeInfo {
                kind: SecuritySchemeType::Http,
                scheme: Some("bearer".into()),
                bearer_format: Some(format.into()),
                location: None,
                name: None,
            };
            (key.to_owned(), bearer)
        }
        Credentials::Header(name) => (key.to_owned(), key_in(SecuritySchemeLocation::Header, name)),
        Credentials::Query(name) => (format!("{key}_query"), key_in(SecuritySchemeLocation::Query, name)),
    };
    SecurityScheme { name, info }
}
