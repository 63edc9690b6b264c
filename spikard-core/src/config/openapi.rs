//! The settings of the description of an API: what it says of the whole, where it is served, and the
//! policies in front of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::with_policies;
use spikard_openapi::{ContactInfo, Head, LicenseInfo, SecuritySchemeInfo, ServerInfo};

with_policies! {
    /// The description of the API as an OpenAPI document, and the pages that show it. They are
    /// routes like any other, and take every policy.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    pub struct OpenApiConfig {
        /// Whether the document and its pages are served.
        pub enabled: bool,
        /// The name of the API.
        pub title: String,
        /// The version of the API.
        pub version: String,
        /// What the API is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The path of the page of Swagger UI; empty: no such page.
        pub swagger_ui_path: String,
        /// The path of the page of Redoc; empty: no such page.
        pub redoc_path: String,
        /// The path of the page of Scalar; empty: no such page.
        pub scalar_path: String,
        /// The path of the document. It is served as YAML, too, under the same path with `.yaml` in
        /// place of `.json` at the end.
        pub openapi_json_path: String,
        /// Whom to ask about the API.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub contact: Option<ContactInfo>,
        /// On which terms the API may be used.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub license: Option<LicenseInfo>,
        /// The servers that have the API; none: the one that serves the document.
        pub servers: Vec<ServerInfo>,
        /// How clients say who they are, by the name that operations call it. What `jwt_auth` and
        /// `api_key_auth` check is added, under the name that it has here, if it has one.
        pub security_schemes: BTreeMap<String, SecuritySchemeInfo>,
    }
    defaults {
        enabled: false,
        title: "API".into(),
        version: "1.0.0".into(),
        description: None,
        swagger_ui_path: "/docs".into(),
        redoc_path: "/redoc".into(),
        scalar_path: String::new(),
        openapi_json_path: "/openapi.json".into(),
        contact: None,
        license: None,
        servers: Vec::new(),
        security_schemes: BTreeMap::new(),
    }
}

impl OpenApiConfig {
    /// What the document says of the API as a whole.
    pub(crate) fn head(&self) -> Head {
        Head {
            title: self.title.clone(),
            version: self.version.clone(),
            description: self.description.clone(),
            contact: self.contact.clone(),
            license: self.license.clone(),
            servers: self.servers.clone(),
            security_schemes: self.security_schemes.clone(),
        }
    }

    /// The path of the document as YAML.
    pub fn openapi_yaml_path(&self) -> String {
        let path = &self.openapi_json_path;
        format!("{}.yaml", path.strip_suffix(".json").unwrap_or(path))
    }
}
