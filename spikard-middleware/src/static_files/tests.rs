//! What a client sees of a directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use axum_core::body::Body;
use http::header::*;
use http_body_util::BodyExt;
use tempfile::TempDir;

use super::*;
use crate::testing::{read, text};

/// A directory `site` with some files, and a secret beside it.
fn site() -> TempDir {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("site");
    fs::create_dir_all(root.join("docs/empty")).unwrap();
    fs::create_dir_all(root.join(".well-known")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    for (name, content) in [
        ("index.html", "home"),
        ("docs/index.html", "docs"),
        ("app.js", "0123456789"),
        ("app.js.br", "brotli"),
        ("app.js.gz", "gzip!"),
        ("a b.txt", "space"),
        (".well-known/security.txt", "contact"),
        (".env", "SECRET"),
        (".git/config", "SECRET"),
        ("../secret.txt", "SECRET"),
    ] {
        fs::write(root.join(name), content).unwrap();
    }
    dir
}

fn config(dir: &TempDir) -> DirectoryConfig {
    DirectoryConfig::new(dir.path().join("site"))
}

fn build(config: &DirectoryConfig) -> StaticFiles {
    StaticFiles::build(config, &BuildContext::default()).unwrap_or_else(|error| panic!("{error}"))
}

async fn ask(files: &StaticFiles, method: &str, uri: &str, fields: &[(HeaderName, &str)]) -> Response {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(name, *value);
    }
    files.call(request.body(Body::empty()).unwrap()).await
}

async fn status_and_text(files: &StaticFiles, uri: &str, fields: &[(HeaderName, &str)]) -> (u16, String) {
    let response = ask(files, "GET", uri, fields).await;
    (response.status().as_u16(), text(response).await)
}

fn field(response: &Response, name: HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_file_comes_with_all_that_a_cache_wants_to_know() {
    let dir = site();
    let files = build(&DirectoryConfig { cache_control: Some("max-age=60".into()), ..config(&dir) });
    let get = ask(&files, "GET", "/app.js", &[]).await;
    let head = ask(&files, "HEAD", "/app.js", &[]).await;
    assert_eq!(get.headers(), head.headers());
    for (name, value) in [(CONTENT_LENGTH, "10"), (CACHE_CONTROL, "max-age=60"), (ACCEPT_RANGES, "bytes")] {
        assert_eq!(field(&get, name), value);
    }
    let conditions = [(IF_NONE_MATCH, field(&get, ETAG)), (IF_MODIFIED_SINCE, field(&get, LAST_MODIFIED))];
    for (name, value) in conditions {
        let response = ask(&files, "GET", "/app.js", &[(name, &value)]).await;
        assert_eq!((response.status().as_u16(), field(&response, CACHE_CONTROL).as_str()), (304, "max-age=60"));
        assert_eq!(field(&response, ETAG), field(&get, ETAG));
    }
    assert_eq!((text(get).await.as_str(), text(head).await.as_str()), ("0123456789", ""));
    assert_eq!(ask(&files, "GET", "/app.js", &[(IF_MATCH, "\"other\"")]).await.status(), 412);
}

#[tokio::test]
async fn a_directory_answers_with_its_index_at_a_path_with_a_slash() {
    let dir = site();
    let files = build(&config(&dir));
    assert_eq!(status_and_text(&files, "/", &[]).await, (200, "home".into()));
    assert_eq!(status_and_text(&files, "/docs/", &[]).await, (200, "docs".into()));
    let response = ask(&files, "GET", "/docs?q=1", &[]).await;
    assert_eq!((response.status().as_u16(), field(&response, LOCATION).as_str()), (307, "./docs/?q=1"));
    let without = build(&DirectoryConfig { index_file: false, ..config(&dir) });
    for (files, uri) in
        [(&files, "/docs/empty"), (&files, "/docs/empty/"), (&files, "/app.js/"), (&without, "/"), (&without, "/docs")]
    {
        assert_eq!(ask(files, "GET", uri, &[]).await.status(), 404, "{uri}");
    }
}

#[tokio::test]
async fn the_prefix_of_a_route_without_slash_leads_to_the_one_with_it() {
    let dir = site();
    let mut request = http::Request::get("/assets").body(Body::empty()).unwrap();
    request.extensions_mut().insert(RestPath(String::new()));
    assert_eq!(field(&build(&config(&dir)).call(request).await, LOCATION), "./assets/");
}

#[tokio::test]
async fn every_coding_has_a_strong_tag_of_its_own() {
    let dir = site();
    let files = build(&DirectoryConfig { precompressed: true, ..config(&dir) });
    let mut tags = Vec::new();
    for (accept, coding, content) in [("gzip, br", "br", "brotli"), ("gzip, zstd", "gzip", "gzip!"), ("zstd", "", "0123456789")] {
        let response = ask(&files, "GET", "/app.js", &[(ACCEPT_ENCODING, accept)]).await;
        assert_eq!((field(&response, CONTENT_ENCODING).as_str(), field(&response, VARY).as_str()), (coding, "accept-encoding"));
        assert_eq!(field(&response, CONTENT_TYPE), "text/javascript; charset=utf-8");
        tags.push((accept, field(&response, ETAG)));
        assert_eq!(text(response).await, content);
    }
    for (accept, _) in &tags {
        for (of, tag) in &tags {
            let response = ask(&files, "GET", "/app.js", &[(ACCEPT_ENCODING, accept), (IF_NONE_MATCH, tag)]).await;
            assert_eq!(response.status(), if of == accept { 304 } else { 200 }, "tag for {of}, asked with {accept}");
        }
    }
}

#[tokio::test]
async fn ranges_are_parts_of_the_representation_that_was_chosen() {
    let dir = site();
    let files = build(&DirectoryConfig { precompressed: true, ..config(&dir) });
    let tag = field(&ask(&files, "HEAD", "/app.js", &[]).await, ETAG);
    for (fields, status, range, content) in [
        (vec![(RANGE, "bytes=2-4")], 206, "bytes 2-4/10", "234"),
        (vec![(RANGE, "bytes=-2"), (ACCEPT_ENCODING, "br")], 206, "bytes 4-5/6", "li"),
        (vec![(RANGE, "bytes=2-4"), (IF_RANGE, &tag)], 206, "bytes 2-4/10", "234"),
        (vec![(RANGE, "bytes=2-4"), (IF_RANGE, "\"old\"")], 200, "", "0123456789"),
        (vec![(RANGE, "bytes=0-1, 8-9")], 200, "", "0123456789"),
    ] {
        let response = ask(&files, "GET", "/app.js", &fields).await;
        assert_eq!((response.status().as_u16(), field(&response, CONTENT_RANGE).as_str()), (status, range), "{fields:?}");
        assert_eq!(field(&response, CONTENT_LENGTH), content.len().to_string());
        assert_eq!(text(response).await, content);
    }
    let response = ask(&files, "GET", "/app.js", &[(RANGE, "bytes=10-")]).await;
    assert_eq!((response.status().as_u16(), field(&response, CONTENT_RANGE).as_str()), (416, "bytes */10"));
    assert_eq!(ask(&files, "HEAD", "/app.js", &[(RANGE, "bytes=2-4")]).await.status(), 200);
}

#[tokio::test]
async fn the_fallback_answers_for_pages_and_not_for_parts_of_them() {
    let dir = site();
    let files = build(&DirectoryConfig { fallback: Some("index.html".into()), ..config(&dir) });
    let mode = HeaderName::from_static("sec-fetch-mode");
    assert_eq!(status_and_text(&files, "/users/7", &[(mode.clone(), "navigate")]).await, (200, "home".into()));
    assert_eq!(status_and_text(&files, "/users/7", &[(ACCEPT, "text/html;q=0.9, */*")]).await, (200, "home".into()));
    for fields in [vec![(mode, "no-cors"), (ACCEPT, "text/html")], vec![(ACCEPT, "*/*")], vec![]] {
        assert_eq!(status_and_text(&files, "/old.js", &fields).await.0, 404, "{fields:?}");
    }
    assert_eq!(status_and_text(&files, "/a/../b", &[(ACCEPT, "text/html")]).await.0, 400);
}

#[tokio::test]
async fn other_methods_are_told_which_ones_there_are() {
    let dir = site();
    let response = ask(&build(&config(&dir)), "POST", "/app.js", &[]).await;
    assert_eq!((response.status().as_u16(), field(&response, ALLOW).as_str()), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_large_file_is_streamed_in_pieces_and_a_cut_one_is_not_passed_off_as_whole() {
    let dir = site();
    let path = dir.path().join("site/large.bin");
    let content: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    fs::write(&path, &content).unwrap();
    let file = fs::File::open(&path).unwrap();
    file.sync_all().unwrap();
    // Where the file system lets go of its pages, this goes by the threads that may wait.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let files = build(&config(&dir));
    let mut body = ask(&files, "GET", "/large.bin", &[]).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.len() as u64, body::PIECE);
    assert_eq!([first, read(body).await.unwrap()].concat(), content);

    let body = ask(&files, "GET", "/large.bin", &[]).await.into_body();
    fs::File::options().write(true).open(&path).unwrap().set_len(500_000).unwrap();
    assert!(read(body).await.is_err());
}

/// The ways up and out that scanners try, before each target.
const CLIMBS: &[&str] = &[
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2E%2E%2F",
    ".%2e/",
    "..%5c",
    "%2e%2e%5c",
    "..%252f",
    "%252e%252e%252f",
    "%252e%252e/",
    "..%255c",
    "%c0%ae%c0%ae/",
    "..%c0%af",
    "%e0%80%ae%e0%80%ae/",
    "%u002e%u002e/",
    "....//",
    "..;/",
    "..%00/",
    ".%00./",
    "./../",
    "docs/../../",
    "docs/%2e%2e/%2e%2e/",
    "/../",
    "//..//",
    "..%0a/",
    "%2e%2e%3b/",
];
const TARGETS: &[&str] = &["secret.txt", "etc/passwd", "site/.env", "proc/self/environ"];
const PLACES: &[&str] = &[
    "/.env",
    "/%2eenv",
    "/.git/config",
    "/docs/../.env",
    "/docs/.",
    "/docs/..",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/%5cetc%5cpasswd",
    "/.env%00.html",
    "/index.html%00",
    "/.",
    "/..",
    "/%2e",
    "/dev/null",
    "/out/secret.txt",
    "/out.txt",
    "/absolute.txt",
    "/loop",
    "/fifo",
    "/socket",
    "/null",
    "/.%67it/config",
    "/..%c1%9csecret.txt",
    "/%",
    "/%2",
    "/%zz",
    "/file:///etc/passwd",
    "/%ff",
];

#[tokio::test]
async fn nothing_outside_and_nothing_hidden_is_served() {
    let dir = site();
    let root = dir.path().join("site");
    for (target, name) in [("..", "out"), ("../secret.txt", "out.txt"), ("loop", "loop"), ("/dev/null", "null")] {
        symlink(target, root.join(name)).unwrap();
    }
    symlink(root.join("app.js"), root.join("absolute.txt")).unwrap();
    mkfifo(&root.join("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();

    let climbs = CLIMBS.iter().flat_map(|climb| {
        (1..=8).flat_map(move |depth| TARGETS.iter().map(move |target| format!("/{}{target}", climb.repeat(depth))))
    });
    let uris: Vec<String> = climbs.chain(PLACES.iter().map(ToString::to_string)).collect();
    let mut files = build(&DirectoryConfig { fallback: Some("index.html".into()), ..config(&dir) });
    for _ in 0..2 {
        for uri in &uris {
            let (status, text) = status_and_text(&files, uri, &[]).await;
            assert!(matches!(status, 400 | 404), "{uri}: {status}");
            assert!(!text.contains("SECRET") && !text.contains("root:"), "{uri}");
        }
        files = without_openat2(files);
    }
}

#[tokio::test]
async fn symlinks_inside_the_directory_are_followed_where_the_kernel_guards_them() {
    let dir = site();
    let root = dir.path().join("site");
    fs::create_dir(root.join("..data")).unwrap();
    fs::write(root.join("..data/page.html"), "page").unwrap();
    symlink("..data/page.html", root.join("page.html")).unwrap();
    let files = build(&config(&dir));
    assert_eq!(status_and_text(&files, "/page.html", &[]).await, (200, "page".into()));
    let files = without_openat2(files);
    assert_eq!(status_and_text(&files, "/page.html", &[]).await.0, 404);
    assert_eq!(status_and_text(&files, "/docs/", &[]).await, (200, "docs".into()));
    assert_eq!(status_and_text(&files, "/.well-known/security.txt", &[]).await, (200, "contact".into()));
    assert_eq!(status_and_text(&files, "/a%20b.txt", &[]).await, (200, "space".into()));
}

#[tokio::test]
async fn a_directory_that_is_replaced_is_served_as_it_is_now() {
    let dir = site();
    let files = build(&config(&dir));
    fs::rename(dir.path().join("site"), dir.path().join("old")).unwrap();
    fs::create_dir(dir.path().join("site")).unwrap();
    fs::write(dir.path().join("site/index.html"), "new").unwrap();
    assert_eq!(status_and_text(&files, "/", &[]).await, (200, "new".into()));
}

#[tokio::test]
async fn a_date_that_every_build_sets_alike_is_no_validator() {
    let dir = site();
    let path = dir.path().join("site/app.js");
    let files = build(&config(&dir));
    let tag = |response: &Response| field(response, ETAG);
    let mut tags = Vec::new();
    for content in ["first one!", "second one"] {
        fs::write(&path, content).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let response = ask(&files, "GET", "/app.js", &[]).await;
        assert_eq!(field(&response, LAST_MODIFIED), "");
        tags.push(tag(&response));
        // The file system's clock may stand still for some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_ne!(tags[0], tags[1]);
}

#[test]
fn refuses_what_is_not_there() {
    let dir = site();
    let message = |config: DirectoryConfig| StaticFiles::build(&config, &BuildContext::default()).err().unwrap().to_string();
    let missing = message(DirectoryConfig::new("/nowhere"));
    assert_eq!(
        missing,
        "directory: directory is `/nowhere`, expected one that can be opened: No such file or directory (os error 2)"
    );
    assert!(message(DirectoryConfig::new(dir.path().join("secret.txt"))).contains("Not a directory"));
    for fallback in ["missing.html", "../secret.txt", "docs"] {
        let expected = format!("fallback: fallback is `{fallback}`, expected a file in the directory");
        assert_eq!(message(DirectoryConfig { fallback: Some(fallback.into()), ..config(&dir) }), expected);
    }
    assert!(message(DirectoryConfig { cache_control: Some("a\nb".into()), ..config(&dir) }).starts_with("cache_control: "));
}

fn without_openat2(files: StaticFiles) -> StaticFiles {
    let Ok(mut files) = Arc::try_unwrap(files.0) else { panic!("no request is running") };
    files.root = files.root.without_openat2();
    StaticFiles(Arc::new(files))
}

fn mkfifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
