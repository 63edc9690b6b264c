//! Upstreams that are not there, do not answer, or answer nonsense.

use std::time::Duration;

use super::*;

/// The answer of the gate if an upstream reads the request and then sends `reply` and closes.
async fn answer_to(reply: &str, request: &str) -> String {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let served = async {
        let mut upstream = Raw::accepted(&listener).await;
        upstream.head().await;
        upstream.send(reply).await;
    };
    tokio::join!(ask(gate, request), served).0
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502_that_does_not_tell_where() {
    let (listener, target) = listener().await;
    drop(listener);
    let answer = ask(proxy(UpstreamConfig::to(target.clone())).await, &get("/")).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("upstream cannot be reached"), "{answer}");
    assert!(!answer.contains(target.trim_start_matches("http://")), "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_502() {
    for reply in [
        "",
        "HTTP/1.1 200",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ] {
        let answer = answer_to(reply, &get("/")).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{reply:?}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    for head in ["transfer-encoding: chunked\r\n\r\n4\r\n", "content-length: 9\r\n\r\n"] {
        let (listener, target) = listener().await;
        let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
        client.send(&get("/")).await;
        let mut upstream = Raw::accepted(&listener).await;
        upstream.head().await;
        upstream.send(&format!("HTTP/1.1 200 OK\r\n{head}part")).await;
        client.until("part").await;
        drop(upstream);
        assert!(!client.rest().await.ends_with("0\r\n\r\n"), "{head}");
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_a_504() {
    let target = upstream(|_| std::future::pending()).await;
    let config = UpstreamConfig { response_timeout: Duration::from_millis(20), ..UpstreamConfig::to(target) };
    let answer = ask(proxy(config).await, &get("/")).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
}

#[tokio::test]
async fn the_time_to_answer_does_not_run_while_the_client_is_to_send() {
    let (listener, target) = listener().await;
    let config = UpstreamConfig { response_timeout: Duration::from_millis(20), ..UpstreamConfig::to(target) };
    let mut client = Raw::to(proxy(config).await).await;
    client.send("POST / HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-length: 2\r\n\r\na").await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.until("a").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.send("b").await;
    upstream.until("b").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 504"));
}

#[tokio::test]
async fn the_next_target_answers_for_one_that_is_not_there() {
    let (gone, first) = listener().await;
    drop(gone);
    let second = upstream(|_| async { Response::new(Body::from("second")) }).await;
    let gate = proxy(UpstreamConfig { targets: vec![first.into(), second.into()], ..UpstreamConfig::default() }).await;
    for _ in 0..4 {
        let answer = ask(gate, "POST / HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx").await;
        assert!(answer.ends_with("second"), "{answer}");
    }
}

#[tokio::test]
async fn targets_take_turns() {
    let mut targets = Vec::new();
    for name in ["a", "b", "c"] {
        targets.push(upstream(move |_| async move { Response::new(Body::from(name)) }).await.into());
    }
    let gate = proxy(UpstreamConfig { targets, ..UpstreamConfig::default() }).await;
    let mut seen = String::new();
    for _ in 0..6 {
        seen.push_str(&ask(gate, &get("/")).await[..].chars().last().map(String::from).unwrap_or_default());
    }
    assert!(["abcabc", "bcabca", "cabcab"].contains(&seen.as_str()), "{seen}");
}

/// What a client gets for `request` if the upstream, over a connection that was used before, sends
/// `begun` and closes; and whether the request came again, over a connection that ends as well if
/// `twice`.
async fn answer_to_a_request_that_closes(request: &str, begun: &str, twice: bool) -> (String, bool) {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (listener, target) = listener().await;
    let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
    client.send("GET /first HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    let mut first = Raw::accepted(&listener).await;
    first.head().await;
    first.send(OK).await;
    client.until("ok").await;
    client.send(request).await;
    let head = first.head().await;
    first.send(begun).await;
    drop(first);
    let again = async {
        let mut second = Raw::accepted(&listener).await;
        assert_eq!(second.head().await, head);
        if !twice {
            second.send(OK).await;
        }
    };
    tokio::select! {
        answer = client.head() => (answer, false),
        () = again => (client.head().await, true),
    }
}

#[tokio::test]
async fn a_safe_request_is_sent_once_more_where_a_kept_connection_closes_without_an_answer() {
    for method in ["GET", "HEAD", "OPTIONS"] {
        let request = format!("{method} /a?b HTTP/1.1\r\nhost: gate\r\naccept: */*\r\nx-a: 1\r\nx-a: 2\r\n\r\n");
        let (answer, again) = answer_to_a_request_that_closes(&request, "", false).await;
        assert!(again && answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
        let (answer, again) = answer_to_a_request_that_closes(&request, "", true).await;
        assert!(again && answer.starts_with("HTTP/1.1 502"), "{method}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_may_have_had_an_effect_or_an_answer_is_not_sent_once_more() {
    for (request, begun) in [
        ("POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: 0\r\n\r\n", ""),
        ("PUT / HTTP/1.1\r\nhost: gate\r\ncontent-length: 0\r\n\r\n", ""),
        ("DELETE / HTTP/1.1\r\nhost: gate\r\n\r\n", ""),
        ("GET / HTTP/1.1\r\nhost: gate\r\ncontent-length: 1\r\n\r\nx", ""),
        ("GET / HTTP/1.1\r\nhost: gate\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", ""),
        ("GET / HTTP/1.1\r\nhost: gate\r\n\r\n", "HTTP/1.1 2"),
    ] {
        let (answer, again) = answer_to_a_request_that_closes(request, begun, false).await;
        assert!(!again && answer.starts_with("HTTP/1.1 502"), "{request}: {answer}");
    }
    // Over a new connection, it is the request itself that the upstream does not like.
    assert!(answer_to("", "GET / HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n").await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn a_request_is_sent_anew_only_if_nothing_of_it_was_sent() {
    for stale in [true, false] {
        let (listener, target) = listener().await;
        let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
        let post = "POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: 1\r\n\r\nx";
        client.send(post).await;
        let mut first = Raw::accepted(&listener).await;
        first.until("\r\n\r\nx").await;
        first.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        client.until("ok").await;
        if stale {
            // Closed while idle: the next request never goes there.
            drop(first);
            client.send(post).await;
            let mut second = Raw::accepted(&listener).await;
            second.until("\r\n\r\nx").await;
            second.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            assert!(client.until("ok").await.starts_with("HTTP/1.1 200"));
        } else {
            // Closed once the request is there: it may have been acted upon.
            client.send(post).await;
            first.until("\r\n\r\nx").await;
            drop(first);
            assert!(client.head().await.starts_with("HTTP/1.1 502"));
        }
    }
}

#[tokio::test]
async fn what_is_sent_once_more_is_the_request_and_nothing_of_the_one_before() {
    let (listener, target) = listener().await;
    let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
    let rest = "GET /smuggled HTTP/1.1\r\nx: ";
    client.send(&format!("POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: {}\r\n\r\n", rest.len())).await;
    let mut first = Raw::accepted(&listener).await;
    first.head().await;
    first.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    // Behind the answer, so that nothing separates it from the next request.
    client.send(rest).await;
    first.until(rest).await;
    client.send("GET /own HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    first.head().await;
    drop(first);
    let head = Raw::accepted(&listener).await.head().await;
    assert!(head.starts_with("GET /own "), "{head}");
}
