//! Requests by route, method and class of the status; how long they take; how many are in flight.
//!
//! A request counts from the moment that its route is known, in front of all policies, until the last
//! byte of its answer has been handed to the connection: the time that the access log shows, too. An
//! upgrade ends with its head. A client that goes away before there is an answer is `aborted`.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use spikard_middleware::problem::Refused;
use spikard_middleware::{Answer, Body, Metrics, Request, Response, Service};

use super::refusals::Refusals;

/// The upper ends of the buckets of durations, in seconds.
const BUCKETS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A histogram of durations.
pub(crate) fn seconds() -> Histogram {
    Histogram::new(BUCKETS)
}

/// The methods that have a label of their own; every other one is `other`, so that no client can make
/// up labels.
const METHODS: [Method; 8] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];

/// How a request may end.
const STATUSES: [&str; 6] = ["aborted", "1xx", "2xx", "3xx", "4xx", "5xx"];
const ABORTED: usize = 0;

/// Counts the requests of a server.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    ended: Family<Ended, Counter>,
    durations: Family<OfRoute, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    refusals: Refusals,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    route: String,
    method: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

impl Requests {
    /// Counters in `metrics`.
    pub(crate) fn of(metrics: &Metrics) -> Self {
        let durations = || Family::new_with_constructor(seconds as fn() -> Histogram);
        Self {
            ended: metrics.metric("requests", "Requests that were answered, or whose client went away", Family::default),
            durations: metrics.metric(
                "request_duration_seconds",
                "Time from the head of a request to the end of its answer",
                durations,
            ),
            in_flight: metrics.metric("requests_in_flight", "Requests whose answer has not ended", Gauge::default),
            refusals: Refusals::of(metrics),
        }
    }

    /// Puts the counters of `route` around services. A refusal that no policy made is made by `leaf`.
    pub(crate) fn counting(&self, route: &str, leaf: &'static str) -> Counting {
        let counts = Counts {
            route: route.to_owned(),
            leaf,
            requests: self.clone(),
            ended: Default::default(),
            duration: OnceLock::new(),
        };
        Counting(Arc::new(counts))
    }
}

/// The counters of one route.
#[derive(Debug, Clone)]
pub(crate) struct Counting(Arc<Counts>);

impl Counting {
    /// The service, each of its requests counted.
    pub(crate) fn around(&self, inner: Arc<dyn Service>) -> Arc<dyn Service> {
        Arc::new(Counted { inner, counts: Arc::clone(&self.0) })
    }
}

type OfMethod = Box<[OnceLock<Counter>; STATUSES.len()]>;

/// Counters are looked up by their labels once. What has never happened has none: ten thousand routes
/// without traffic are not ten thousand lines of zeros.
#[derive(Debug)]
struct Counts {
    route: String,
    leaf: &'static str,
    requests: Requests,
    /// By method, and last that of all other methods.
    ended: [OnceLock<OfMethod>; METHODS.len() + 1],
    duration: OnceLock<Histogram>,
}

impl Counts {
    fn ended(&self, method: usize, status: usize) -> &Counter {
        let of_method = self.ended[method].get_or_init(Box::default);
        of_method[status].get_or_init(|| {
            let name = METHODS.get(method).map_or("other", Method::as_str).to_owned();
            let labels = Ended { route: self.route.clone(), method: name, status: STATUSES[status] };
            self.requests.ended.get_or_create_owned(&labels)
        })
    }

    fn duration(&self) -> &Histogram {
        self.duration.get_or_init(|| self.requests.durations.get_or_create_owned(&OfRoute { route: self.route.clone() }))
    }
}

struct Counted {
    inner: Arc<dyn Service>,
    counts: Arc<Counts>,
}

impl Service for Counted {
    fn begin(&self) {
        self.inner.begin();
    }

    fn call(&self, request: Request) -> Answer<'_> {
        let mut flight = Flight::begin(&self.counts, request.method());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await;
            flight.answered(&response);
            if response.body().is_end_stream() {
                return response;
            }
            response.map(|body| Body::new(Sending { body, _flight: flight }))
        })
    }
}

/// A request in flight: it is counted when this is dropped.
struct Flight {
    counts: Arc<Counts>,
    begun: Instant,
    method: usize,
    status: usize,
}

impl Flight {
    fn begin(counts: &Arc<Counts>, method: &Method) -> Self {
        counts.requests.in_flight.inc();
        let method = METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len());
        Self { counts: Arc::clone(counts), begun: Instant::now(), method, status: ABORTED }
    }

    fn answered(&mut self, response: &Response) {
        // Of statuses there are those from 100 to 999; hyper sends none beyond 599.
        self.status = usize::from(response.status().as_u16() / 100).min(STATUSES.len() - 1);
        if let Some(refused) = response.extensions().get::<Refused>() {
            self.counts.requests.refusals.count(*refused, self.counts.leaf);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.counts.requests.in_flight.dec();
        self.counts.ended(self.method, self.status).inc();
        self.counts.duration().observe(self.begun.elapsed().as_secs_f64());
    }
}

pin_project_lite::pin_project! {
    /// A body on its way to the client.
    struct Sending {
        #[pin]
        body: Body,
        _flight: Flight,
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use spikard_middleware::problem::NOT_FOUND;
    use spikard_middleware::problem::Subject;

    use super::*;

    struct Leaf;

    impl Service for Leaf {
        fn call(&self, request: Request) -> Answer<'_> {
            Box::pin(async move {
                match request.uri().path() {
                    "/never" => std::future::pending().await,
                    "/missing" => NOT_FOUND.by("require").response(&Subject::of(&request), "no"),
                    "/unknown" => NOT_FOUND.response(&Subject::of(&request), "no"),
                    _ => Response::new(Body::from("hello")),
                }
            })
        }
    }

    fn request(method: &str, path: &str) -> Request {
        http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
    }

    fn lines(metrics: &Metrics, name: &str) -> Vec<String> {
        let text = metrics.text().unwrap();
        let mut lines: Vec<String> = text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    #[tokio::test]
    async fn a_request_is_in_flight_until_its_answer_is_over() {
        let metrics = Metrics::default();
        let service = Requests::of(&metrics).counting("/a", "leaf").around(Arc::new(Leaf));
        let response = service.call(request("GET", "/a")).await;
        assert_eq!(lines(&metrics, "spikard_requests_in_flight "), ["spikard_requests_in_flight 1"]);
        assert_eq!(lines(&metrics, "spikard_requests_total"), [""; 0]);
        response.into_body().collect().await.unwrap();
        assert_eq!(lines(&metrics, "spikard_requests_in_flight "), ["spikard_requests_in_flight 0"]);
        assert_eq!(
            lines(&metrics, "spikard_requests_total"),
            [r#"spikard_requests_total{route="/a",method="GET",status="2xx"} 1"#]
        );
        assert_eq!(
            lines(&metrics, "spikard_request_duration_seconds_count"),
            [r#"spikard_request_duration_seconds_count{route="/a"} 1"#]
        );
    }

    #[tokio::test]
    async fn refusals_name_who_refused_and_clients_that_go_away_are_told_apart() {
        let metrics = Metrics::default();
        let service = Requests::of(&metrics).counting("/{*rest}", "leaf").around(Arc::new(Leaf));
        drop(service.call(request("POST", "/missing")).await);
        drop(service.call(request("BREW", "/unknown")).await);
        assert!(service.call(request("GET", "/never")).now_or_never().is_none());
        assert_eq!(
            lines(&metrics, "spikard_refusals_total"),
            [
                r#"spikard_refusals_total{policy="leaf",reason="not-found"} 1"#,
                r#"spikard_refusals_total{policy="require",reason="not-found"} 1"#,
            ]
        );
        assert_eq!(
            lines(&metrics, "spikard_requests_total"),
            [
                r#"spikard_requests_total{route="/{*rest}",method="GET",status="aborted"} 1"#,
                r#"spikard_requests_total{route="/{*rest}",method="POST",status="4xx"} 1"#,
                r#"spikard_requests_total{route="/{*rest}",method="other",status="4xx"} 1"#,
            ]
        );
    }
}
