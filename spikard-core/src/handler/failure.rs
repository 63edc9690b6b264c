//! What a client sees of a handler's error: its status in words, and none of its text.

use http::StatusCode;
use spikard_middleware::Response;
use spikard_middleware::problem::{INTERNAL_SERVER_ERROR, REFUSALS, Refusal, Subject};

/// Logs the text and answers with the status. A status that is no error becomes 500.
pub(super) fn response(status: StatusCode, text: &str, subject: &Subject) -> Response {
    let status = if status.as_u16() < 400 { StatusCode::INTERNAL_SERVER_ERROR } else { status };
    if status.is_server_error() {
        tracing::error!(request_id = subject.request_id(), status = status.as_u16(), "handler failed: {text}");
    } else {
        tracing::info!(request_id = subject.request_id(), status = status.as_u16(), "handler refused: {text}");
    }
    let (refusal, detail) = of_status(status);
    refusal.response(subject, &detail)
}

/// The refusal of a status that a handler chose, and a sentence for its `detail`.
pub fn of_status(status: StatusCode) -> (Refusal, String) {
    (refusal(status), sentence(status))
}

fn refusal(status: StatusCode) -> Refusal {
    // The table knows 401 by the credentials that are missing or bad; a handler's is neither.
    let own = |slug| Refusal::new(status, slug, status.canonical_reason().unwrap_or("Error"));
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => INTERNAL_SERVER_ERROR,
        StatusCode::UNAUTHORIZED => own("unauthorized"),
        _ => {
            let known = REFUSALS.iter().find(|refusal| refusal.status == status).copied();
            known.unwrap_or_else(|| own(if status.is_server_error() { "server-error" } else { "client-error" }))
        }
    }
}

/// The reason phrase as a sentence: `Internal server error`.
fn sentence(status: StatusCode) -> String {
    let mut words = status.canonical_reason().unwrap_or("Error").split(' ');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |sentence, word| sentence + " " + &word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use spikard_middleware::{Body, Request};

    #[tokio::test]
    async fn the_client_sees_the_status_and_not_the_text() {
        for (status, shown, slug, title, detail) in [
            (500, 500, "internal-server-error", "Internal Server Error", "Internal server error"),
            (404, 404, "not-found", "Resource Not Found", "Not found"),
            (401, 401, "unauthorized", "Unauthorized", "Unauthorized"),
            (409, 409, "client-error", "Conflict", "Conflict"),
            (204, 500, "internal-server-error", "Internal Server Error", "Internal server error"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let response = response(status, "password is hunter2", &Subject::of(&Request::new(Body::empty())));
            assert_eq!(response.status(), shown);
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(problem["type"], format!("https://spikard.dev/errors/{slug}"));
            assert_eq!((&problem["title"], &problem["detail"]), (&title.into(), &detail.into()));
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }
}
