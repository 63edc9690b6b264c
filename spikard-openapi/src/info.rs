//! What a document says of an API as a whole. The parts are settings, too.
//!
//! The fields are those of OpenAPI 3.1 (sections 4.8.2 to 4.8.5 and 4.8.27).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a document says of the API as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The name of the API.
    pub title: String,
    /// The version of the API.
    pub version: String,
    /// What the API is for, in `CommonMark`.
    pub description: Option<String>,
    /// Whom to ask about the API.
    pub contact: Option<ContactInfo>,
    /// On which terms the API may be used.
    pub license: Option<LicenseInfo>,
    /// The servers that have the API.
    pub servers: Vec<ServerInfo>,
    /// How clients say who they are, by the name that operations call it.
    pub security_schemes: BTreeMap<String, SecuritySchemeInfo>,
}

/// Whom to ask about the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContactInfo {
    /// The name of a person or an organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The URL of a page about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// On which terms the API may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenseInfo {
    /// The name of the license.
    pub name: String,
    /// The URL of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A server that has the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerInfo {
    /// The URL under which the paths stand.
    pub url: String,
    /// What the server is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// How clients say who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecuritySchemeInfo {
    /// The kind of scheme.
    #[serde(rename = "type")]
    pub kind: SecuritySchemeType,
    /// Of `http`: the scheme of the `Authorization` header, such as `bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Of `bearer`: what a token looks like, such as `JWT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_format: Option<String>,
    /// Of `apiKey`: where the key stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SecuritySchemeLocation>,
    /// Of `apiKey`: the name of the header, parameter or cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SecuritySchemeInfo {
    /// The security scheme object of a document.
    pub(crate) fn object(&self) -> Value {
        let mut scheme = Map::new();
        scheme.insert("type".into(), json!(self.kind));
        let mut put = |key: &str, value: Option<Value>| scheme.extend(value.map(|value| (key.to_owned(), value)));
        put("name", self.name.clone().map(Into::into));
        put("in", self.location.map(|location| json!(location)));
        put("scheme", self.scheme.clone().map(Into::into));
        put("bearerFormat", self.bearer_format.clone().map(Into::into));
        scheme.into()
    }
}

/// The kind of a security scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum SecuritySchemeType {
    /// The `Authorization` header.
    Http,
    /// A key in a header, the query or a cookie.
    ApiKey,
    /// A certificate of the client.
    #[serde(rename = "mutualTLS")]
    MutualTls,
}

/// Where an API key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SecuritySchemeLocation {
    /// In a header.
    Header,
    /// In a parameter of the query.
    Query,
    /// In a cookie.
    Cookie,
}
