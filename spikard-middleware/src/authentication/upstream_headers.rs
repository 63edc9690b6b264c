//! The names of the headers that tell an upstream who a client is. What clients send under them is
//! dropped on every route, so they must not be headers that requests need.

use http::{HeaderName, header};

use super::api_key_auth::ApiKeyConfig;
use super::jwt_auth::JwtConfig;
use crate::context::BuildError;
use crate::headers::is_reserved;
use crate::policy::Setting;

/// What requests need besides what frames them.
const NEEDED: [HeaderName; 5] =
    [header::AUTHORIZATION, header::CONTENT_ENCODING, header::CONTENT_TYPE, header::COOKIE, header::ORIGIN];

/// Whether a header must not be given another use: requests need it.
pub fn needed_by_requests(name: &HeaderName) -> bool {
    is_reserved(name) || NEEDED.contains(name)
}

/// Checks the names that both settings give.
///
/// # Errors
/// When a name is one that requests need, or is given twice.
pub(super) fn check(jwt: &Setting<'_, JwtConfig>, api_key: &Setting<'_, ApiKeyConfig>) -> Result<(), BuildError> {
    let key: Option<HeaderName> = api_key.config.and_then(|config| config.header_name.parse().ok());
    let mut told: Vec<HeaderName> = Vec::new();
    let mut problem = |name: &str| {
        // What is no name at all is told where the settings are read.
        let header: HeaderName = name.parse().ok()?;
        if needed_by_requests(&header) || key.as_ref() == Some(&header) {
            return Some(format!(
                "`{name}` is a header that requests need, expected another: what clients send in it is dropped"
            ));
        }
        if told.contains(&header) {
            return Some(format!("`{name}` tells something else already, expected a header of its own"));
        }
        told.push(header);
        None
    };
    let mut errors = Vec::new();
    for (claim, name) in jwt.config.into_iter().flat_map(|config| &config.claim_headers) {
        errors.extend(problem(name).map(|message| jwt.ctx.invalid("claim_headers", message).under(claim)));
    }
    if let Some(name) = api_key.config.and_then(|config| config.consumer_header.as_deref()) {
        errors.extend(problem(name).map(|message| api_key.ctx.invalid("consumer_header", message)));
    }
    BuildError::all(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BuildContext;

    #[test]
    fn a_header_for_upstreams_is_of_no_other_use() {
        let ctx = BuildContext::default();
        let claim_headers = [("a", "Authorization"), ("b", "Host"), ("c", "X-User"), ("d", "x-user"), ("e", "X-Key")];
        let claim_headers = claim_headers.map(|(claim, name)| (claim.to_owned(), name.to_owned())).into();
        let jwt = JwtConfig { claim_headers, ..JwtConfig::new("s") };
        let api_key =
            ApiKeyConfig { header_name: "X-Key".into(), consumer_header: Some("X-User".into()), ..ApiKeyConfig::new(["k"]) };
        let checked = check(&Setting { config: Some(&jwt), ctx: &ctx }, &Setting { config: Some(&api_key), ctx: &ctx });
        let errors: Vec<_> = checked.unwrap_err().each().into_iter().map(|(at, message)| format!("{at}: {message}")).collect();
        let needed = "is a header that requests need, expected another: what clients send in it is dropped";
        let twice = "tells something else already, expected a header of its own";
        assert_eq!(
            errors,
            [
                format!("claim_headers.a: `Authorization` {needed}"),
                format!("claim_headers.b: `Host` {needed}"),
                format!("claim_headers.d: `x-user` {twice}"),
                format!("claim_headers.e: `X-Key` {needed}"),
                format!("consumer_header: `X-User` {twice}"),
            ]
        );
    }
}
