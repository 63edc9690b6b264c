//! What is known of the web page that a request comes from.

/// The `Origin` of the request is one that the `cors` policy allows; an extension that the policy
/// sets. Routes that read forms and bodies without a media type take them from such pages too
/// (they refuse other sites: no preflight stands before these requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedOrigin;
