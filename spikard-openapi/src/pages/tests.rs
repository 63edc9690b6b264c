//! What every page is made of.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use super::*;

const PAGES: [Page; 3] = [Page::SwaggerUi, Page::Redoc, Page::Scalar];

fn resources(page: Page, path: &str) -> Vec<Resource> {
    let servers = &["https://api.example.com:8443/v1", "/v2", "http://[::1]", "https://{region}.example.com"];
    page.resources(&PageSettings { title: "Cats & dogs", path, document: "/openapi.json", servers })
}

fn text(resource: &Resource) -> &str {
    match &resource.content {
        Content::Plain(text) => text,
        Content::Compressed(file) => panic!("{file:?} is no text"),
    }
}

#[test]
fn a_page_names_every_file_that_it_is_made_of_and_nothing_else() {
    for page in PAGES {
        for (path, base) in [("/docs", ""), ("/internal/docs/", "/internal/docs/")] {
            let resources = resources(page, path);
            let (html, files) = resources.split_first().unwrap();
            let quoted = |name: &str| {
                text(html).split(name).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
            };
            let mut named: Vec<String> = quoted("src=\"");
            named.extend(quoted("link rel=\"stylesheet\" href=\""));
            named.extend(quoted("link rel=\"license\" href=\""));
            let mut expected: Vec<String> = files
                .iter()
                .map(|file| if base.is_empty() { format!(".{}", file.path) } else { file.path.replace(base, "./") })
                .collect();
            named.sort();
            expected.sort();
            assert_eq!(named, expected, "{page:?}");
            assert!(text(html).contains("<title>Cats &amp; dogs - "));
            assert!(!text(html).contains("//"), "{page:?} names another host");
        }
    }
}

#[test]
fn what_may_be_kept_for_good_has_its_hash_in_its_path() {
    for file in PAGES.iter().flat_map(|page| resources(*page, "/docs").split_off(1)) {
        assert!(file.path.contains(&file.tag), "{}", file.path);
        assert_eq!(file.cache_control, "max-age=31536000, immutable");
    }
    for page in PAGES {
        assert_eq!(resources(page, "/docs")[0].cache_control, "no-cache");
    }
}

#[test]
fn no_policy_allows_scripts_in_the_page_and_all_of_them_the_servers_of_the_settings() {
    for page in PAGES {
        let resources = resources(page, "/docs");
        let headers: BTreeMap<&str, &str> = resources[0].headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let policy = headers["content-security-policy"];
        let directives: BTreeMap<&str, &str> = policy.split("; ").filter_map(|directive| directive.split_once(' ')).collect();
        assert_eq!((directives["default-src"], directives["script-src"]), ("'none'", "'self'"), "{page:?}");
        assert_eq!(directives["connect-src"], "'self' https://api.example.com:8443 http://[::1]", "{page:?}");
    }
}

#[derive(Deserialize)]
struct Package {
    written: BTreeMap<String, Written>,
}

#[derive(Deserialize)]
struct Written {
    sha256: String,
    bytes: usize,
    compressed: usize,
}

#[test]
fn the_bundles_are_those_that_the_list_says() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendored/vendored.json");
    let packages: BTreeMap<String, Package> = serde_json::from_slice(&std::fs::read(list).unwrap()).unwrap();
    let written: usize = packages.values().map(|package| package.written.len()).sum();
    assert_eq!(vendored::ALL.len(), written);
    for (package, file) in vendored::ALL {
        let expected = &packages[*package].written[file.name];
        let sha256 = digest(&SHA256, file.plain());
        let sha256 = sha256.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!((sha256, file.plain().len(), file.gzip.len()), (expected.sha256.clone(), expected.bytes, expected.compressed));
    }
}
