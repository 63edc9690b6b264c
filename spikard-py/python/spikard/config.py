"""The configuration of a server: the structs of Rust as classes.

Generated from the structs by `make generate`. A setting takes what a file takes; instead of an
object a dict does. A wrong value is a `ValueError` when the server is built, with all that is wrong.
"""
# fmt: off
# ruff: noqa: A002, D205, E501, PLR0917, RUF023

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._settings import Settings, items, many, maybe, mixed, named, one, plain, policy, switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

__all__ = [
    "AccessLogConfig",
    "AdminConfig",
    "ApiKeyConfig",
    "BodyLimitConfig",
    "BodyReadingConfig",
    "CacheConfig",
    "CaseConfig",
    "CaseExpectConfig",
    "CaseReceivedConfig",
    "CaseRequestConfig",
    "CatchPanicConfig",
    "CertificateConfig",
    "CircuitBreakerConfig",
    "ClientAuthConfig",
    "ClientCertificateHeadersConfig",
    "CompressionConfig",
    "ConsumerConfig",
    "ConsumerLimitConfig",
    "ContactInfo",
    "CorsConfig",
    "CsrfConfig",
    "DecompressionConfig",
    "DirectoryConfig",
    "EjectionConfig",
    "FetchConfig",
    "HeaderEdits",
    "HeadersConfig",
    "HealthConfig",
    "IssuerConfig",
    "JwtConfig",
    "LicenseInfo",
    "LimitsConfig",
    "OpenApiConfig",
    "RateLimitConfig",
    "RedirectConfig",
    "RequestIdConfig",
    "RequireConfig",
    "ResponseConfig",
    "RetriesConfig",
    "RouteConfig",
    "RoutePolicies",
    "SecurityHeadersConfig",
    "SecuritySchemeInfo",
    "ServerConfig",
    "ServerInfo",
    "StaticFilesConfig",
    "TargetConfig",
    "TimeoutConfig",
    "TlsConfig",
    "UpstreamConfig",
]


class ServerConfig(Settings, on=("enable_request_id", "catch_panic", "compression", "request_timeout", "max_body_size"), nested=("limits",)):
    """The configuration of a server."""

    __slots__ = (
        "host",
        "port",
        "workers",
        "enable_request_id",
        "max_body_size",
        "request_timeout",
        "compression",
        "rate_limit",
        "jwt_auth",
        "api_key_auth",
        "static_files",
        "graceful_shutdown",
        "shutdown_timeout",
        "openapi",
        "tls",
        "shutdown_delay",
        "trusted_proxies",
        "limits",
        "admin",
        "strict",
        "routes",
        "upstreams",
        "tests",
        "access_log",
        "catch_panic",
        "security_headers",
        "headers",
        "cors",
        "csrf",
        "decompression",
        "require",
        "cache",
    )

    host: str
    """The address or host name to listen on."""

    port: int
    """The port to listen on; 0 lets the system choose."""

    workers: int
    """How many processes run Python handlers. All else is served by one, which uses every core."""

    enable_request_id: RequestIdConfig | bool
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    max_body_size: BodyLimitConfig | int | str | None
    """Bounds the size of request bodies."""

    request_timeout: TimeoutConfig | float | str | None
    """Bounds how long a handler may take to begin its answer."""

    compression: CompressionConfig | None
    """Compresses answers for clients that accept it."""

    rate_limit: RateLimitConfig | list[RateLimitConfig] | None
    """Admits a number of requests a second, and a burst at once, for each client."""

    jwt_auth: JwtConfig | None
    """Lets requests through that carry a valid JSON Web Token."""

    api_key_auth: ApiKeyConfig | None
    """Lets requests through that carry one of the API keys."""

    static_files: list[StaticFilesConfig]
    """The directories that are served below a path."""

    graceful_shutdown: bool
    """Whether requests in flight are finished at shutdown."""

    shutdown_timeout: float | str
    """How long requests in flight may take at shutdown."""

    openapi: OpenApiConfig | None
    """The description of the API."""

    tls: TlsConfig | None
    """TLS: the port takes HTTPS."""

    shutdown_delay: float | str
    """How long a server that was told to stop goes on taking connections, before it stops as said above. `/readyz`
    of `admin` fails and connections are closed after their answers meanwhile, so that whoever sends requests here
    (Kubernetes, a load balancer) can notice. Worker processes do not wait.
    """

    trusted_proxies: list[str]
    """The networks (CIDR) of proxies whose `Forwarded` and `X-Forwarded-*` headers are believed."""

    limits: LimitsConfig
    """The limits of connections and request heads."""

    admin: AdminConfig | None
    """The listener for operators; none if it is not there."""

    strict: bool
    """Whether warnings at start are errors."""

    routes: list[RouteConfig]
    """The routes. Their order does not matter."""

    upstreams: dict[str, UpstreamConfig]
    """The servers behind this one, by the name that routes call them."""

    tests: list[CaseConfig]
    """The tests of this configuration, for `spikard test`."""

    access_log: AccessLogConfig | None
    """Writes a line per request."""

    catch_panic: CatchPanicConfig | bool
    """Answers 500 where a handler panics. It has no settings: on or off."""

    security_headers: SecurityHeadersConfig | None
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    headers: HeadersConfig | None
    """Sets, adds and removes headers of requests and responses."""

    cors: CorsConfig | None
    """Lets pages of other origins call this server and read its answers."""

    csrf: CsrfConfig | None
    """Refuses requests that pages of other sites make a browser send."""

    decompression: DecompressionConfig | None
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    require: RequireConfig | None
    """What the verified identity of a request must have."""

    cache: CacheConfig | None
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        workers: int = 1,
        enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None = True,
        max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None = 10485760,
        request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None = 30,
        compression: CompressionConfig | Mapping[str, Any] | bool | None = True,
        rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | Literal[False] | None = None,
        jwt_auth: JwtConfig | Mapping[str, Any] | bool | None = None,
        api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None = None,
        static_files: Sequence[StaticFilesConfig | Mapping[str, Any]] = (),
        graceful_shutdown: bool = True,
        shutdown_timeout: float | str = 30,
        openapi: OpenApiConfig | Mapping[str, Any] | None = None,
        *,
        tls: TlsConfig | Mapping[str, Any] | None = None,
        shutdown_delay: float | str = 0,
        trusted_proxies: Sequence[str] = (),
        limits: LimitsConfig | Mapping[str, Any] | None = None,
        admin: AdminConfig | Mapping[str, Any] | None = None,
        strict: bool = False,
        routes: Sequence[RouteConfig | Mapping[str, Any]] = (),
        upstreams: Mapping[str, UpstreamConfig | Mapping[str, Any]] | None = None,
        tests: Sequence[CaseConfig | Mapping[str, Any]] = (),
        access_log: AccessLogConfig | Mapping[str, Any] | bool | None = None,
        catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None = True,
        security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None = None,
        headers: HeadersConfig | Mapping[str, Any] | bool | None = None,
        cors: CorsConfig | Mapping[str, Any] | Literal[False] | None = None,
        csrf: CsrfConfig | Mapping[str, Any] | bool | None = None,
        decompression: DecompressionConfig | Mapping[str, Any] | bool | None = None,
        require: RequireConfig | Mapping[str, Any] | bool | None = None,
        cache: CacheConfig | Mapping[str, Any] | bool | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.workers = workers
        self.enable_request_id = switch(RequestIdConfig, enable_request_id)
        self.max_body_size = policy(BodyLimitConfig, max_body_size)
        self.request_timeout = policy(TimeoutConfig, request_timeout)
        self.compression = policy(CompressionConfig, compression)
        self.rate_limit = maybe(RateLimitConfig, rate_limit)
        self.jwt_auth = policy(JwtConfig, jwt_auth)
        self.api_key_auth = policy(ApiKeyConfig, api_key_auth)
        self.static_files = many(StaticFilesConfig, static_files)
        self.graceful_shutdown = graceful_shutdown
        self.shutdown_timeout = shutdown_timeout
        self.openapi = maybe(OpenApiConfig, openapi)
        self.tls = maybe(TlsConfig, tls)
        self.shutdown_delay = shutdown_delay
        self.trusted_proxies = items(trusted_proxies)
        self.limits = one(LimitsConfig, limits)
        self.admin = maybe(AdminConfig, admin)
        self.strict = strict
        self.routes = many(RouteConfig, routes)
        self.upstreams = named(UpstreamConfig, upstreams)
        self.tests = many(CaseConfig, tests)
        self.access_log = policy(AccessLogConfig, access_log)
        self.catch_panic = switch(CatchPanicConfig, catch_panic)
        self.security_headers = policy(SecurityHeadersConfig, security_headers)
        self.headers = policy(HeadersConfig, headers)
        self.cors = maybe(CorsConfig, cors)
        self.csrf = policy(CsrfConfig, csrf)
        self.decompression = policy(DecompressionConfig, decompression)
        self.require = policy(RequireConfig, require)
        self.cache = policy(CacheConfig, cache)


class RequestIdConfig(Settings):
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    __slots__ = ("accept",)

    accept: bool
    """Whether an id that the client sent is kept, if it matches `[A-Za-z0-9._-]{1,128}`."""

    def __init__(
        self,
        *,
        accept: bool = True,
    ) -> None:
        self.accept = accept


class BodyLimitConfig(Settings):
    """Bounds the size of request bodies."""

    __slots__ = ("limit",)

    limit: int | str
    """The largest body that is taken, in bytes; 0 is no limit."""

    def __init__(
        self,
        limit: int | str = 10485760,
    ) -> None:
        self.limit = limit


class TimeoutConfig(Settings):
    """Bounds how long a handler may take to begin its answer."""

    __slots__ = ("duration", "status")

    duration: float | str
    """The longest time from the request head to the response head; 0 is no limit. Time in which the handler waits
    for the request body does not count.
    """

    status: Literal[408, 503]
    """The status that the client gets: 408, or 503 where it must not repeat the request by itself."""

    def __init__(
        self,
        duration: float | str = 30,
        *,
        status: Literal[408, 503] = 408,
    ) -> None:
        self.duration = duration
        self.status = status


class CompressionConfig(Settings):
    """Compresses answers for clients that accept it."""

    __slots__ = ("gzip", "brotli", "min_size", "quality", "zstd", "types")

    gzip: bool
    """Whether gzip is offered."""

    brotli: bool
    """Whether brotli (`br`) is offered."""

    min_size: int | str
    """The smallest body that is compressed, in bytes. A body of unknown length is compressed."""

    quality: int
    """How hard to compress: 0 is fastest, 11 smallest. Brotli takes the number as it is, gzip at most 9, zstd as its
    level, at least 1.
    """

    zstd: bool
    """Whether zstd is offered."""

    types: list[str]
    """The media types that are compressed: `text/css`, `text/*`, or `*/*+json` for every type that ends so. Event
    streams and gRPC never are.
    """

    def __init__(
        self,
        gzip: bool = True,
        brotli: bool = True,
        min_size: int | str = 1024,
        quality: int = 6,
        *,
        zstd: bool = True,
        types: Sequence[str] = (
            "text/*",
            "*/*+json",
            "*/*+xml",
            "*/*+yaml",
            "application/json",
            "application/javascript",
            "application/x-ndjson",
            "application/xml",
            "application/yaml",
            "application/toml",
            "application/wasm",
            "application/vnd.ms-fontobject",
            "application/x-protobuf",
            "application/rtf",
            "application/sql",
            "application/graphql",
            "font/otf",
            "font/ttf",
            "image/bmp",
            "image/x-icon",
            "image/vnd.microsoft.icon",
        ),
    ) -> None:
        self.gzip = gzip
        self.brotli = brotli
        self.min_size = min_size
        self.quality = quality
        self.zstd = zstd
        self.types = items(types)


class RateLimitConfig(Settings, secrets=("store",), implied={"ip_based": ("key", True)}):
    """Admits a number of requests a second, and a burst at once, for each client."""

    __slots__ = (
        "per_second",
        "burst",
        "ip_based",
        "key",
        "max_keys",
        "name",
        "store",
        "store_timeout",
        "on_error",
        "store_ca",
        "store_certificate",
        "store_key",
    )

    per_second: float
    """How many requests a second come back; fractions are fine (`0.5` is one in two seconds)."""

    burst: int
    """How many requests pass at once."""

    ip_based: bool | None
    """Another spelling of `key`: true is `address`, false is `global`. Not together with `key`."""

    key: str | None
    """What has a counter of its own: `address` (the default; IPv6 by its /64 network), `global`, `header:NAME`, or,
    once verified, `api_key` or `jwt:CLAIM`.
    """

    max_keys: int
    """How many counters are kept, of 16 bytes each. One more than fit takes the place of the one that was used
    longest ago.
    """

    name: str | None
    """What the limit is called in answers and in the store. Limits of one name count together, on whatever routes
    and gateways they stand, and have the same rate, burst and key. Without a name a limit counts alone, and the
    store knows it by the methods, host and path of its route, so that gateways which have this route count
    together.
    """

    store: str | Mapping[str, str] | None
    """A Redis in which several gateways count together: `redis://:password@host:6379/0`, `rediss://` (TLS),
    `redis-cluster://host:6379?node=other:6379`, `rediss-cluster://` or `unix:/run/redis.sock`. Without one, the
    processes of one server count together.
    """

    store_timeout: float | str
    """How long a request waits for the store; then `on_error` decides."""

    on_error: Literal["local", "open", "closed"]
    """What becomes of requests while the store does not answer: `local` counts in this server alone, `open` lets
    them pass, `closed` answers 503.
    """

    store_ca: str | PathLike[str] | None
    """A PEM file with the authorities that the store's certificate is checked against, in place of the ones that the
    system trusts.
    """

    store_certificate: str | PathLike[str] | None
    """A PEM file with the certificate that the store is shown, if it asks for one."""

    store_key: str | PathLike[str] | None
    """A PEM file with the key of `store_certificate`."""

    def __init__(
        self,
        per_second: float,
        burst: int,
        ip_based: bool | None = None,
        *,
        key: str | None = None,
        max_keys: int = 1048576,
        name: str | None = None,
        store: str | Mapping[str, str] | None = None,
        store_timeout: float | str = 0.02,
        on_error: Literal["local", "open", "closed"] = "local",
        store_ca: str | PathLike[str] | None = None,
        store_certificate: str | PathLike[str] | None = None,
        store_key: str | PathLike[str] | None = None,
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self.ip_based = True if ip_based is None and key is None else ip_based
        self.key = key
        self.max_keys = max_keys
        self.name = name
        self.store = store
        self.store_timeout = store_timeout
        self.on_error = on_error
        self.store_ca = store_ca
        self.store_certificate = store_certificate
        self.store_key = store_key


class JwtConfig(Settings, secrets=("secret",), nested=("fetch",)):
    """Lets requests through that carry a valid JSON Web Token."""

    __slots__ = (
        "secret",
        "algorithm",
        "audience",
        "issuer",
        "leeway",
        "require_exp",
        "token_type",
        "required_claims",
        "claim_headers",
        "discovery",
        "jwks_url",
        "jwks_file",
        "algorithms",
        "issuers",
        "fetch",
    )

    secret: str | Mapping[str, str] | None
    """The shared secret of the HS algorithms, the public key in PEM of the others. Where keys come from is said by
    exactly one of this, `jwks_url`, `jwks_file`, `discovery` and `issuers`.
    """

    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
    """The one algorithm that is taken with `secret`, whatever the token names."""

    audience: str | Sequence[str] | None
    """The audiences of which a token must name one in `aud`. Without this, a token that names any is refused (RFC
    7519 section 4.1.3).
    """

    issuer: str | None
    """The issuer that a token must name in `iss`."""

    leeway: float | str
    """By how much the clocks of issuer and server may differ."""

    require_exp: bool
    """Whether a token must say in `exp` when it ends."""

    token_type: str | None
    """The type that a token must name in its header (`typ`), such as `at+jwt` (RFC 9068): who takes access tokens
    only does not take the ID tokens of the same issuer.
    """

    required_claims: list[str]
    """Claims that a token must have; 403 names those that it has not."""

    claim_headers: dict[str, str]
    """Claims that an upstream gets as headers: `{ sub = "X-User" }`. Text goes as it is, anything else as JSON."""

    discovery: bool
    """Whether the `issuer` says where its keys are, at `/.well-known/openid-configuration` below its name (`OpenID`
    Connect Discovery 1.0).
    """

    jwks_url: str | None
    """The address of a set of keys (RFC 7517)."""

    jwks_file: str | PathLike[str] | None
    """A file with a set of keys. It is read again when it changes."""

    algorithms: list[Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]]
    """The algorithms for which keys of a set are taken; empty: all that have public keys. An RSA key that does not
    say what it is for is for the first RSA algorithm here, else for RS256.
    """

    issuers: list[IssuerConfig]
    """Several issuers, each with keys of its own; a token is held against those of the one that it names in `iss`.
    In place of `issuer`, `algorithms` and what says where keys come from.
    """

    fetch: FetchConfig
    """How keys are fetched from addresses."""

    def __init__(
        self,
        secret: str | Mapping[str, str] | None = None,
        algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] = "HS256",
        audience: str | Sequence[str] | None = None,
        issuer: str | None = None,
        leeway: float | str = 0,
        *,
        require_exp: bool = True,
        token_type: str | None = None,
        required_claims: Sequence[str] = (),
        claim_headers: Mapping[str, str] | None = None,
        discovery: bool = False,
        jwks_url: str | None = None,
        jwks_file: str | PathLike[str] | None = None,
        algorithms: Sequence[Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]] = (),
        issuers: Sequence[IssuerConfig | Mapping[str, Any]] = (),
        fetch: FetchConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self.secret = secret
        self.algorithm = algorithm
        self.audience = audience
        self.issuer = issuer
        self.leeway = leeway
        self.require_exp = require_exp
        self.token_type = token_type
        self.required_claims = items(required_claims)
        self.claim_headers = plain(claim_headers)
        self.discovery = discovery
        self.jwks_url = jwks_url
        self.jwks_file = jwks_file
        self.algorithms = items(algorithms)
        self.issuers = many(IssuerConfig, issuers)
        self.fetch = one(FetchConfig, fetch)


class ApiKeyConfig(Settings, secrets=("keys",)):
    """Lets requests through that carry one of the API keys."""

    __slots__ = ("keys", "header_name", "query_parameter", "consumer_header", "consumers", "consumers_file")

    keys: Sequence[str | Mapping[str, str]] | Mapping[str, str | Mapping[str, str]]
    """The keys: a list, or a table of names and keys. A key is plain text or `sha256:` and the digest in
    hexadecimal. Keys without names are called `key-1`, `key-2` and so on.
    """

    header_name: str
    """The request header that carries a key."""

    query_parameter: str
    """The query parameter that carries a key; empty: none does."""

    consumer_header: str | None
    """The header in which an upstream gets the name of the key."""

    consumers: dict[str, ConsumerConfig]
    """Keys by the names of those who have them, with what the keys are good for."""

    consumers_file: str | PathLike[str] | None
    """A JSON file with further consumers: a table of names, each with the same keys as in `consumers`. It is read
    again when it changes; `spikard keys new` writes it.
    """

    def __init__(
        self,
        keys: Sequence[str | Mapping[str, str]] | Mapping[str, str | Mapping[str, str]] = (),
        header_name: str = "X-API-Key",
        *,
        query_parameter: str = "api_key",
        consumer_header: str | None = None,
        consumers: Mapping[str, ConsumerConfig | Mapping[str, Any]] | None = None,
        consumers_file: str | PathLike[str] | None = None,
    ) -> None:
        self.keys = keys
        self.header_name = header_name
        self.query_parameter = query_parameter
        self.consumer_header = consumer_header
        self.consumers = named(ConsumerConfig, consumers)
        self.consumers_file = consumers_file


class StaticFilesConfig(Settings):
    """A directory whose files are served under a path."""

    __slots__ = (
        "directory",
        "route_prefix",
        "index_file",
        "cache_control",
        "fallback",
        "precompressed",
        "enable_request_id",
        "access_log",
        "catch_panic",
        "security_headers",
        "headers",
        "cors",
        "csrf",
        "compression",
        "request_timeout",
        "rate_limit",
        "jwt_auth",
        "api_key_auth",
        "max_body_size",
        "decompression",
        "require",
        "cache",
    )

    directory: str | PathLike[str]
    """The directory."""

    route_prefix: str
    """The path under which the files are served: `/assets`, or `/` for all paths that nothing else answers."""

    index_file: bool
    """Whether `index.html` answers for the directory that it is in."""

    cache_control: str | None
    """The `Cache-Control` of every file, such as `public, max-age=3600`."""

    fallback: str | None
    """The file in the directory that answers when a browser opens a page for which there is no file: `index.html`,
    for an application that routes in the browser.
    """

    precompressed: bool
    """Whether `app.js.br`, `app.js.zst` and `app.js.gz` answer for `app.js`, where the client accepts that. Only for
    directories in which such files hold the same content.
    """

    enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    access_log: AccessLogConfig | Mapping[str, Any] | bool | None
    """Writes a line per request."""

    catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None
    """Answers 500 where a handler panics. It has no settings: on or off."""

    security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    headers: HeadersConfig | Mapping[str, Any] | bool | None
    """Sets, adds and removes headers of requests and responses."""

    cors: CorsConfig | Mapping[str, Any] | bool | None
    """Lets pages of other origins call this server and read its answers."""

    csrf: CsrfConfig | Mapping[str, Any] | bool | None
    """Refuses requests that pages of other sites make a browser send."""

    compression: CompressionConfig | Mapping[str, Any] | bool | None
    """Compresses answers for clients that accept it."""

    request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None
    """Bounds how long a handler may take to begin its answer."""

    rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None
    """Admits a number of requests a second, and a burst at once, for each client."""

    jwt_auth: JwtConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry a valid JSON Web Token."""

    api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry one of the API keys."""

    max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None
    """Bounds the size of request bodies."""

    decompression: DecompressionConfig | Mapping[str, Any] | bool | None
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    require: RequireConfig | Mapping[str, Any] | bool | None
    """What the verified identity of a request must have."""

    cache: CacheConfig | Mapping[str, Any] | bool | None
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""

    def __init__(
        self,
        directory: str | PathLike[str],
        route_prefix: str,
        index_file: bool = True,
        cache_control: str | None = None,
        *,
        fallback: str | None = None,
        precompressed: bool = False,
        enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None = None,
        access_log: AccessLogConfig | Mapping[str, Any] | bool | None = None,
        catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None = None,
        security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None = None,
        headers: HeadersConfig | Mapping[str, Any] | bool | None = None,
        cors: CorsConfig | Mapping[str, Any] | bool | None = None,
        csrf: CsrfConfig | Mapping[str, Any] | bool | None = None,
        compression: CompressionConfig | Mapping[str, Any] | bool | None = None,
        request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None = None,
        rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None = None,
        jwt_auth: JwtConfig | Mapping[str, Any] | bool | None = None,
        api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None = None,
        max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None = None,
        decompression: DecompressionConfig | Mapping[str, Any] | bool | None = None,
        require: RequireConfig | Mapping[str, Any] | bool | None = None,
        cache: CacheConfig | Mapping[str, Any] | bool | None = None,
    ) -> None:
        self.directory = directory
        self.route_prefix = route_prefix
        self.index_file = index_file
        self.cache_control = cache_control
        self.fallback = fallback
        self.precompressed = precompressed
        self.enable_request_id = enable_request_id
        self.access_log = access_log
        self.catch_panic = catch_panic
        self.security_headers = security_headers
        self.headers = headers
        self.cors = cors
        self.csrf = csrf
        self.compression = compression
        self.request_timeout = request_timeout
        self.rate_limit = rate_limit
        self.jwt_auth = jwt_auth
        self.api_key_auth = api_key_auth
        self.max_body_size = max_body_size
        self.decompression = decompression
        self.require = require
        self.cache = cache


class OpenApiConfig(Settings):
    """The description of the API as an OpenAPI document, and the pages that show it. They are routes like any other,
    and take every policy.
    """

    __slots__ = (
        "enabled",
        "title",
        "version",
        "description",
        "swagger_ui_path",
        "redoc_path",
        "openapi_json_path",
        "contact",
        "license",
        "servers",
        "security_schemes",
        "scalar_path",
        "enable_request_id",
        "access_log",
        "catch_panic",
        "security_headers",
        "headers",
        "cors",
        "csrf",
        "compression",
        "request_timeout",
        "rate_limit",
        "jwt_auth",
        "api_key_auth",
        "max_body_size",
        "decompression",
        "require",
        "cache",
    )

    enabled: bool
    """Whether the document and its pages are served."""

    title: str
    """The name of the API."""

    version: str
    """The version of the API."""

    description: str | None
    """What the API is for."""

    swagger_ui_path: str
    """The path of the page of Swagger UI; empty: no such page."""

    redoc_path: str
    """The path of the page of Redoc; empty: no such page."""

    openapi_json_path: str
    """The path of the document. It is served as YAML, too, under the same path with `.yaml` in place of `.json` at
    the end.
    """

    contact: ContactInfo | None
    """Whom to ask about the API."""

    license: LicenseInfo | None
    """On which terms the API may be used."""

    servers: list[ServerInfo]
    """The servers that have the API; none: the one that serves the document."""

    security_schemes: dict[str, SecuritySchemeInfo]
    """How clients say who they are, by the name that operations call it. What `jwt_auth` and `api_key_auth` check is
    added, under the name that it has here, if it has one.
    """

    scalar_path: str
    """The path of the page of Scalar; empty: no such page."""

    enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    access_log: AccessLogConfig | Mapping[str, Any] | bool | None
    """Writes a line per request."""

    catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None
    """Answers 500 where a handler panics. It has no settings: on or off."""

    security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    headers: HeadersConfig | Mapping[str, Any] | bool | None
    """Sets, adds and removes headers of requests and responses."""

    cors: CorsConfig | Mapping[str, Any] | bool | None
    """Lets pages of other origins call this server and read its answers."""

    csrf: CsrfConfig | Mapping[str, Any] | bool | None
    """Refuses requests that pages of other sites make a browser send."""

    compression: CompressionConfig | Mapping[str, Any] | bool | None
    """Compresses answers for clients that accept it."""

    request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None
    """Bounds how long a handler may take to begin its answer."""

    rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None
    """Admits a number of requests a second, and a burst at once, for each client."""

    jwt_auth: JwtConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry a valid JSON Web Token."""

    api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry one of the API keys."""

    max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None
    """Bounds the size of request bodies."""

    decompression: DecompressionConfig | Mapping[str, Any] | bool | None
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    require: RequireConfig | Mapping[str, Any] | bool | None
    """What the verified identity of a request must have."""

    cache: CacheConfig | Mapping[str, Any] | bool | None
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""

    def __init__(
        self,
        enabled: bool = False,
        title: str = "API",
        version: str = "1.0.0",
        description: str | None = None,
        swagger_ui_path: str = "/docs",
        redoc_path: str = "/redoc",
        openapi_json_path: str = "/openapi.json",
        contact: ContactInfo | Mapping[str, Any] | None = None,
        license: LicenseInfo | Mapping[str, Any] | None = None,
        servers: Sequence[ServerInfo | Mapping[str, Any]] = (),
        security_schemes: Mapping[str, SecuritySchemeInfo | Mapping[str, Any]] | None = None,
        *,
        scalar_path: str = "",
        enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None = None,
        access_log: AccessLogConfig | Mapping[str, Any] | bool | None = None,
        catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None = None,
        security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None = None,
        headers: HeadersConfig | Mapping[str, Any] | bool | None = None,
        cors: CorsConfig | Mapping[str, Any] | bool | None = None,
        csrf: CsrfConfig | Mapping[str, Any] | bool | None = None,
        compression: CompressionConfig | Mapping[str, Any] | bool | None = None,
        request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None = None,
        rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None = None,
        jwt_auth: JwtConfig | Mapping[str, Any] | bool | None = None,
        api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None = None,
        max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None = None,
        decompression: DecompressionConfig | Mapping[str, Any] | bool | None = None,
        require: RequireConfig | Mapping[str, Any] | bool | None = None,
        cache: CacheConfig | Mapping[str, Any] | bool | None = None,
    ) -> None:
        self.enabled = enabled
        self.title = title
        self.version = version
        self.description = description
        self.swagger_ui_path = swagger_ui_path
        self.redoc_path = redoc_path
        self.openapi_json_path = openapi_json_path
        self.contact = maybe(ContactInfo, contact)
        self.license = maybe(LicenseInfo, license)
        self.servers = many(ServerInfo, servers)
        self.security_schemes = named(SecuritySchemeInfo, security_schemes)
        self.scalar_path = scalar_path
        self.enable_request_id = enable_request_id
        self.access_log = access_log
        self.catch_panic = catch_panic
        self.security_headers = security_headers
        self.headers = headers
        self.cors = cors
        self.csrf = csrf
        self.compression = compression
        self.request_timeout = request_timeout
        self.rate_limit = rate_limit
        self.jwt_auth = jwt_auth
        self.api_key_auth = api_key_auth
        self.max_body_size = max_body_size
        self.decompression = decompression
        self.require = require
        self.cache = cache


class TlsConfig(Settings):
    """TLS on the port of the server, which then takes HTTPS alone: HTTP/2 and HTTP/1.1, as the client prefers.

    The files are looked at every two seconds. When they change they are read anew, and hold from the next
    connection on; if they cannot be used, the log says so and what was there goes on.
    """

    __slots__ = ("certificates", "min_version", "client_auth", "redirect_http", "public_port")

    certificates: list[CertificateConfig]
    """The certificates. A client gets the one that has the host name that it asks for (SNI), or the first one if
    none has; with several of one name, the first whose kind of key it can check.
    """

    min_version: Literal["1.2", "1.3"]
    """The oldest version of TLS that is spoken."""

    client_auth: ClientAuthConfig | None
    """The certificates of clients."""

    redirect_http: int | None
    """A port on the same host where HTTP without TLS is answered with a redirect (308) to HTTPS."""

    public_port: int | None
    """The port that these redirects name, where clients do not reach the server at `port`: 443, if that is what a
    container publishes.
    """

    def __init__(
        self,
        certificates: Sequence[CertificateConfig | Mapping[str, Any]],
        *,
        min_version: Literal["1.2", "1.3"] = "1.2",
        client_auth: ClientAuthConfig | Mapping[str, Any] | None = None,
        redirect_http: int | None = None,
        public_port: int | None = None,
    ) -> None:
        self.certificates = many(CertificateConfig, certificates)
        self.min_version = min_version
        self.client_auth = maybe(ClientAuthConfig, client_auth)
        self.redirect_http = redirect_http
        self.public_port = public_port


class LimitsConfig(Settings, nested=("body",)):
    """The limits of connections and request heads. A time of 0 is no limit."""

    __slots__ = (
        "header_block",
        "header_fields",
        "uri",
        "head_timeout",
        "idle_timeout",
        "handshake_timeout",
        "tcp_keepalive",
        "body_timeout",
        "body_rate",
        "write_timeout",
        "ping_timeout",
        "streams",
        "header_list",
        "connections",
        "body",
    )

    header_block: int | str
    """The largest head of an HTTP/1.1 request: request line, header fields and line ends. More is answered 431."""

    header_fields: int
    """The largest number of header fields of a request. More is answered 431."""

    uri: int | str
    """The longest path with its query. Longer is answered 414."""

    head_timeout: float | str
    """How long a request head may take from its first byte, on HTTP/2 the first one. Slower is answered 408."""

    idle_timeout: float | str
    """How long a connection may be open without a request."""

    handshake_timeout: float | str
    """How long the handshake of TLS may take from the start of the connection."""

    tcp_keepalive: float | str
    """How long a connection may be silent before the system asks whether its client is still there; four questions
    without an answer close it.
    """

    body_timeout: float | str
    """How long a request body may pause; after this time in all, it must also keep to `body_rate`. Slower is
    answered 408.
    """

    body_rate: int | str
    """The bytes per second that a request body must reach on average; 0 is no limit."""

    write_timeout: float | str
    """How long a client may take no byte of a response before the connection is closed."""

    ping_timeout: float | str
    """How often an HTTP/2 connection is pinged, and how long the answer may take."""

    streams: int
    """The number of concurrent streams of an HTTP/2 connection."""

    header_list: int | str
    """The largest header list of an HTTP/2 request (RFC 9113 section 6.5.2). More is answered 431."""

    connections: int
    """The number of connections served at a time. One more waits in the backlog of the system."""

    body: BodyReadingConfig
    """The limits of bodies that are read as data: for handlers of the program, and where `validate` checks them."""

    def __init__(
        self,
        *,
        header_block: int | str = 65536,
        header_fields: int = 100,
        uri: int | str = 8192,
        head_timeout: float | str = 10,
        idle_timeout: float | str = 60,
        handshake_timeout: float | str = 10,
        tcp_keepalive: float | str = 60,
        body_timeout: float | str = 30,
        body_rate: int | str = 256,
        write_timeout: float | str = 30,
        ping_timeout: float | str = 20,
        streams: int = 100,
        header_list: int | str = 65536,
        connections: int = 10000,
        body: BodyReadingConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self.header_block = header_block
        self.header_fields = header_fields
        self.uri = uri
        self.head_timeout = head_timeout
        self.idle_timeout = idle_timeout
        self.handshake_timeout = handshake_timeout
        self.tcp_keepalive = tcp_keepalive
        self.body_timeout = body_timeout
        self.body_rate = body_rate
        self.write_timeout = write_timeout
        self.ping_timeout = ping_timeout
        self.streams = streams
        self.header_list = header_list
        self.connections = connections
        self.body = one(BodyReadingConfig, body)


class AdminConfig(Settings, secrets=("token",)):
    """A listener for operators, beside that for clients: metrics, health, routes, the configuration and a live page.
    Routes and policies do not apply to it.
    """

    __slots__ = ("host", "port", "token")

    host: str
    """The address or host name to listen on."""

    port: int
    """The port to listen on; 0 lets the system choose."""

    token: str | Mapping[str, str] | None
    """What a request must show, as `Authorization: Bearer` or as the password of any user (`Basic`, for which
    browsers ask). Without it everybody who reaches the address is answered. `/healthz` and `/readyz` never ask
    for it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 9901,
        token: str | Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.token = token


class RouteConfig(Settings):
    """A route: a path, the methods and host it answers, policies of its own, and exactly one of `upstream`,
    `static_files`, `response`, `redirect` and `python`.
    """

    __slots__ = (
        "path",
        "methods",
        "host",
        "upstream",
        "static_files",
        "response",
        "redirect",
        "python",
        "openapi",
        "validate",
        "undescribed_requests",
        "broken_responses",
        "enable_request_id",
        "access_log",
        "catch_panic",
        "security_headers",
        "headers",
        "cors",
        "csrf",
        "compression",
        "request_timeout",
        "rate_limit",
        "jwt_auth",
        "api_key_auth",
        "max_body_size",
        "decompression",
        "require",
        "cache",
    )

    path: str
    """The path: `/users/{id}` takes one segment, `/users/{id:int}` a whole number (or `str`, `float`, `bool`,
    `uuid`, `date`, `datetime`), `/files/{*rest}` all that is left.
    """

    methods: list[str]
    """The methods; none are all, and `GET` for `static_files`. `GET` answers `HEAD` too."""

    host: str | None
    """The host name, exact or with a wildcard label in front: `*.example.com`."""

    upstream: str | None
    """The name of an entry of `upstreams`, which answers."""

    static_files: DirectoryConfig | None
    """A directory that answers; the path ends in `{*rest}`, which names the file."""

    response: ResponseConfig | None
    """A fixed answer."""

    redirect: RedirectConfig | None
    """Another place to which the client is sent."""

    python: str | None
    """A Python application, `module:app`; its routes stand below the path, which ends in `{*rest}`."""

    openapi: str | PathLike[str] | None
    """A file with the OpenAPI document of the upstream (3.0 or 3.1, YAML or JSON), in place of the one that the
    upstream has. Its paths are those that the upstream is asked for.
    """

    validate: Literal["request", "both"] | None
    """What is held to that document: `request`, or `both` requests and answers. A request that does not fit is
    answered 422 (400, 413, 415), and the upstream does not see it.
    """

    undescribed_requests: Literal["refuse", "pass"] | None
    """With `validate`, what becomes of requests for which the document has no path or method: `refuse`, the default,
    answers 404 or 405, `pass` asks the upstream.
    """

    broken_responses: Literal["log", "refuse"] | None
    """With `validate = "both"`, what becomes of answers that break the document: `log`, the default, passes them on,
    `refuse` answers 502. Both write a line to the log.
    """

    enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    access_log: AccessLogConfig | Mapping[str, Any] | bool | None
    """Writes a line per request."""

    catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None
    """Answers 500 where a handler panics. It has no settings: on or off."""

    security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    headers: HeadersConfig | Mapping[str, Any] | bool | None
    """Sets, adds and removes headers of requests and responses."""

    cors: CorsConfig | Mapping[str, Any] | bool | None
    """Lets pages of other origins call this server and read its answers."""

    csrf: CsrfConfig | Mapping[str, Any] | bool | None
    """Refuses requests that pages of other sites make a browser send."""

    compression: CompressionConfig | Mapping[str, Any] | bool | None
    """Compresses answers for clients that accept it."""

    request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None
    """Bounds how long a handler may take to begin its answer."""

    rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None
    """Admits a number of requests a second, and a burst at once, for each client."""

    jwt_auth: JwtConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry a valid JSON Web Token."""

    api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None
    """Lets requests through that carry one of the API keys."""

    max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None
    """Bounds the size of request bodies."""

    decompression: DecompressionConfig | Mapping[str, Any] | bool | None
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    require: RequireConfig | Mapping[str, Any] | bool | None
    """What the verified identity of a request must have."""

    cache: CacheConfig | Mapping[str, Any] | bool | None
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""

    def __init__(
        self,
        path: str,
        *,
        methods: Sequence[str] = (),
        host: str | None = None,
        upstream: str | None = None,
        static_files: DirectoryConfig | Mapping[str, Any] | None = None,
        response: ResponseConfig | Mapping[str, Any] | None = None,
        redirect: RedirectConfig | Mapping[str, Any] | None = None,
        python: str | None = None,
        openapi: str | PathLike[str] | None = None,
        validate: Literal["request", "both"] | None = None,
        undescribed_requests: Literal["refuse", "pass"] | None = None,
        broken_responses: Literal["log", "refuse"] | None = None,
        enable_request_id: RequestIdConfig | Mapping[str, Any] | bool | None = None,
        access_log: AccessLogConfig | Mapping[str, Any] | bool | None = None,
        catch_panic: CatchPanicConfig | Mapping[str, Any] | bool | None = None,
        security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool | None = None,
        headers: HeadersConfig | Mapping[str, Any] | bool | None = None,
        cors: CorsConfig | Mapping[str, Any] | bool | None = None,
        csrf: CsrfConfig | Mapping[str, Any] | bool | None = None,
        compression: CompressionConfig | Mapping[str, Any] | bool | None = None,
        request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool | None = None,
        rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool | None = None,
        jwt_auth: JwtConfig | Mapping[str, Any] | bool | None = None,
        api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool | None = None,
        max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool | None = None,
        decompression: DecompressionConfig | Mapping[str, Any] | bool | None = None,
        require: RequireConfig | Mapping[str, Any] | bool | None = None,
        cache: CacheConfig | Mapping[str, Any] | bool | None = None,
    ) -> None:
        self.path = path
        self.methods = items(methods)
        self.host = host
        self.upstream = upstream
        self.static_files = maybe(DirectoryConfig, static_files)
        self.response = maybe(ResponseConfig, response)
        self.redirect = maybe(RedirectConfig, redirect)
        self.python = python
        self.openapi = openapi
        self.validate = validate
        self.undescribed_requests = undescribed_requests
        self.broken_responses = broken_responses
        self.enable_request_id = enable_request_id
        self.access_log = access_log
        self.catch_panic = catch_panic
        self.security_headers = security_headers
        self.headers = headers
        self.cors = cors
        self.csrf = csrf
        self.compression = compression
        self.request_timeout = request_timeout
        self.rate_limit = rate_limit
        self.jwt_auth = jwt_auth
        self.api_key_auth = api_key_auth
        self.max_body_size = max_body_size
        self.decompression = decompression
        self.require = require
        self.cache = cache


class UpstreamConfig(Settings, nested=("ejection",)):
    """A group of servers that answer alike, which share the requests.

    Connections are kept open and used again. A target that cannot be reached is passed over for the next one, for
    as long as nothing of the request has been sent; one that fails again and again gets no requests for a while.
    """

    __slots__ = (
        "targets",
        "balance",
        "hash_by",
        "slow_start",
        "resolve_interval",
        "all_down",
        "connect_timeout",
        "response_timeout",
        "total_timeout",
        "idle_timeout",
        "idle_connections",
        "health",
        "ejection",
        "max_connections",
        "max_pending",
        "retries",
        "circuit_breaker",
        "strip_prefix",
        "rewrite",
        "http2",
        "preserve_host",
        "ca",
        "client_certificate",
        "client_key",
        "server_name",
        "openapi",
    )

    targets: list[str | TargetConfig]
    """The servers, at least one, each by its URL or with a weight: `"http://10.0.0.1:9000"` or `{ url =
    "http://10.0.0.2:9000", weight = 3 }`.
    """

    balance: Literal["round_robin", "least_connections", "two_choices", "hash"]
    """Which target a request goes to."""

    hash_by: str | None
    """What `balance = "hash"` goes by: `address` (of the client; IPv6 by its /64 network), `header:NAME` or
    `cookie:NAME`. Requests that have no such header or cookie take turns.
    """

    slow_start: float | str
    """How long a target that is new or back gets less than its share: at first a tenth, then more and more. 0: it
    gets its share at once.
    """

    resolve_interval: float | str
    """How often the names of targets are resolved, each address being a target of its own from then on. 0: a name is
    one target, and resolved for each connection to it.
    """

    all_down: Literal["try", "refuse"]
    """What becomes of requests while no target takes part."""

    connect_timeout: float | str
    """How long making a connection may take, name resolution and TLS included; then 502."""

    response_timeout: float | str
    """How long the head of the answer may take once the request is sent, or while the upstream takes no more of its
    body; then 504. Shorter than the default of `request_timeout`, so that a slow upstream shows as one.
    """

    total_timeout: float | str
    """How long everything may take until the head of an answer comes: waiting until the upstream takes the request,
    connecting, and all the times that the request is sent; then 504. `connect_timeout` and `response_timeout`
    bound a single try. 0 is no limit.
    """

    idle_timeout: float | str
    """How long a connection is kept open while it has nothing to do."""

    idle_connections: int
    """How many connections without work are kept open for each target."""

    health: HealthConfig | None
    """Active health checks: targets are asked how they are, and get no requests while they fail."""

    ejection: EjectionConfig
    """Passive health checks: targets that fail requests get none for a while."""

    max_connections: int | None
    """How many requests the upstream works on at once; a WebSocket counts for as long as it lasts. Over HTTP/1.1
    this is also how many connections are open, kept ones included; over HTTP/2, requests share one for each
    target. None: as many as come.
    """

    max_pending: int
    """How many more requests wait until one of `max_connections` is free, for `connect_timeout` at most; any further
    one is answered 503, and so is one that waited for nothing.
    """

    retries: RetriesConfig | None
    """When a request is sent once more."""

    circuit_breaker: CircuitBreakerConfig | None
    """When the upstream is left alone for a while because it fails."""

    strip_prefix: str | None
    """Leading segments of the path that the upstream does not get to see: with `/api`, a request for `/api/users`
    asks for `/users`. Other paths stay as they are. Not together with `rewrite`.
    """

    rewrite: str | None
    """The path that the upstream is asked for; `{name}` stands for what a parameter of the route's path matched:
    `/v2/{rest}`. The query stays. Not together with `strip_prefix`.
    """

    http2: bool
    """Whether HTTP/2 is spoken: with `https` if the target agrees (ALPN), with `http` and `unix` in any case (prior
    knowledge). WebSockets and other upgrades always use HTTP/1.1.
    """

    preserve_host: bool
    """Whether the target sees the `Host` that the client asked for; otherwise it sees its own name.
    `X-Forwarded-Host` and `Forwarded` name the client's in both cases.
    """

    ca: str | PathLike[str] | None
    """A PEM file with the authorities that `https` targets are checked against, in place of the ones that the system
    trusts.
    """

    client_certificate: str | PathLike[str] | None
    """A PEM file with the certificate that `https` targets are shown when they ask who we are, and with those that
    vouch for it, each behind the one that it vouches for. Together with `client_key`.
    """

    client_key: str | PathLike[str] | None
    """A PEM file with the private key of `client_certificate`."""

    server_name: str | None
    """The name that `https` targets are asked for (SNI) and that their certificates must have, if it is not the host
    of the target: for targets that are addresses.
    """

    openapi: str | PathLike[str] | None
    """A file with the OpenAPI document of these servers (3.0 or 3.1, YAML or JSON), for routes that have no
    `openapi` of their own. Its paths are those that the servers are asked for.
    """

    def __init__(
        self,
        targets: Sequence[str | TargetConfig | Mapping[str, Any]],
        *,
        balance: Literal["round_robin", "least_connections", "two_choices", "hash"] = "round_robin",
        hash_by: str | None = None,
        slow_start: float | str = 0,
        resolve_interval: float | str = 0,
        all_down: Literal["try", "refuse"] = "try",
        connect_timeout: float | str = 5,
        response_timeout: float | str = 25,
        total_timeout: float | str = 0,
        idle_timeout: float | str = 60,
        idle_connections: int = 256,
        health: HealthConfig | Mapping[str, Any] | None = None,
        ejection: EjectionConfig | Mapping[str, Any] | None = None,
        max_connections: int | None = None,
        max_pending: int = 128,
        retries: RetriesConfig | Mapping[str, Any] | None = None,
        circuit_breaker: CircuitBreakerConfig | Mapping[str, Any] | None = None,
        strip_prefix: str | None = None,
        rewrite: str | None = None,
        http2: bool = False,
        preserve_host: bool = True,
        ca: str | PathLike[str] | None = None,
        client_certificate: str | PathLike[str] | None = None,
        client_key: str | PathLike[str] | None = None,
        server_name: str | None = None,
        openapi: str | PathLike[str] | None = None,
    ) -> None:
        self.targets = mixed(TargetConfig, targets)
        self.balance = balance
        self.hash_by = hash_by
        self.slow_start = slow_start
        self.resolve_interval = resolve_interval
        self.all_down = all_down
        self.connect_timeout = connect_timeout
        self.response_timeout = response_timeout
        self.total_timeout = total_timeout
        self.idle_timeout = idle_timeout
        self.idle_connections = idle_connections
        self.health = maybe(HealthConfig, health)
        self.ejection = one(EjectionConfig, ejection)
        self.max_connections = max_connections
        self.max_pending = max_pending
        self.retries = maybe(RetriesConfig, retries)
        self.circuit_breaker = maybe(CircuitBreakerConfig, circuit_breaker)
        self.strip_prefix = strip_prefix
        self.rewrite = rewrite
        self.http2 = http2
        self.preserve_host = preserve_host
        self.ca = ca
        self.client_certificate = client_certificate
        self.client_key = client_key
        self.server_name = server_name
        self.openapi = openapi


class CaseConfig(Settings):
    """A test of the configuration, which `spikard test` runs. A server that is started takes no notice of it.

    Each test meets a gateway of its own: no test counts towards the rate limit of another.
    """

    __slots__ = ("name", "request", "expect", "upstreams", "at")

    name: str
    """What is tested, in a sentence."""

    request: CaseRequestConfig
    """What is sent."""

    expect: CaseExpectConfig
    """What is expected."""

    upstreams: dict[str, ResponseConfig]
    """What upstreams answer in this test, by their names. One that is not named answers 200, with what it received
    as JSON.
    """

    at: str | None
    """The time at which the test takes place, `2026-11-21T09:00:00Z`: tokens are valid or not then. Without it, that
    is now.
    """

    def __init__(
        self,
        name: str,
        request: CaseRequestConfig | Mapping[str, Any],
        expect: CaseExpectConfig | Mapping[str, Any],
        *,
        upstreams: Mapping[str, ResponseConfig | Mapping[str, Any]] | None = None,
        at: str | None = None,
    ) -> None:
        self.name = name
        self.request = one(CaseRequestConfig, request)
        self.expect = one(CaseExpectConfig, expect)
        self.upstreams = named(ResponseConfig, upstreams)
        self.at = at


class AccessLogConfig(Settings):
    """Writes a line per request."""

    __slots__ = ("format", "output", "query", "masked")

    format: Literal["text", "json"]
    """How a line is written."""

    output: str
    """Where to: `stdout`, `stderr`, or the path of a file, which is appended to."""

    query: bool
    """Whether the query is logged. Then the values of `masked` show as `****`."""

    masked: list[str]
    """The query parameters whose values are never logged, in any case of letters. The `query_parameter` of
    `api_key_auth` belongs here.
    """

    def __init__(
        self,
        *,
        format: Literal["text", "json"] = "text",
        output: str = "stdout",
        query: bool = False,
        masked: Sequence[str] = ("api_key", "access_token"),
    ) -> None:
        self.format = format
        self.output = output
        self.query = query
        self.masked = items(masked)


class CatchPanicConfig(Settings):
    """Answers 500 where a handler panics. It has no settings: on or off."""

    __slots__ = ()

    def __init__(self) -> None:
        pass


class SecurityHeadersConfig(Settings):
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    __slots__ = (
        "content_type_options",
        "frame_options",
        "referrer_policy",
        "strict_transport_security",
        "content_security_policy",
        "permissions_policy",
        "cross_origin_opener_policy",
        "cross_origin_resource_policy",
    )

    content_type_options: bool
    """`X-Content-Type-Options: nosniff`: the type of a resource is what its header says."""

    frame_options: Literal["off", "deny", "same-origin"]
    """`X-Frame-Options`: who may show a page in a frame (RFC 7034)."""

    referrer_policy: Literal["off", "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url"]
    """`Referrer-Policy`: how much of its address a page tells others."""

    strict_transport_security: str
    """`Strict-Transport-Security`: for how long only HTTPS is used (RFC 6797). Sent over HTTPS only."""

    content_security_policy: str
    """`Content-Security-Policy`: what a page may load and do."""

    permissions_policy: str
    """`Permissions-Policy`: which features of the device a page may use."""

    cross_origin_opener_policy: Literal["off", "same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"]
    """`Cross-Origin-Opener-Policy`: whether pages that open each other share a browsing context."""

    cross_origin_resource_policy: Literal["off", "same-origin", "same-site", "cross-origin"]
    """`Cross-Origin-Resource-Policy`: which sites may embed the resource."""

    def __init__(
        self,
        *,
        content_type_options: bool = True,
        frame_options: Literal["off", "deny", "same-origin"] = "deny",
        referrer_policy: Literal["off", "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url"] = "strict-origin-when-cross-origin",
        strict_transport_security: str = "max-age=31536000",
        content_security_policy: str = "base-uri 'self'; object-src 'none'",
        permissions_policy: str = "camera=(), geolocation=(), microphone=()",
        cross_origin_opener_policy: Literal["off", "same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"] = "same-origin",
        cross_origin_resource_policy: Literal["off", "same-origin", "same-site", "cross-origin"] = "same-origin",
    ) -> None:
        self.content_type_options = content_type_options
        self.frame_options = frame_options
        self.referrer_policy = referrer_policy
        self.strict_transport_security = strict_transport_security
        self.content_security_policy = content_security_policy
        self.permissions_policy = permissions_policy
        self.cross_origin_opener_policy = cross_origin_opener_policy
        self.cross_origin_resource_policy = cross_origin_resource_policy


class HeadersConfig(Settings, nested=("request", "response")):
    """Sets, adds and removes headers of requests and responses."""

    __slots__ = ("request", "response")

    request: HeaderEdits
    """What is done to requests, before anything further in sees them."""

    response: HeaderEdits
    """What is done to responses, refusals included."""

    def __init__(
        self,
        *,
        request: HeaderEdits | Mapping[str, Any] | None = None,
        response: HeaderEdits | Mapping[str, Any] | None = None,
    ) -> None:
        self.request = one(HeaderEdits, request)
        self.response = one(HeaderEdits, response)


class CorsConfig(Settings):
    """Lets pages of other origins call this server and read its answers."""

    __slots__ = ("origins", "methods", "headers", "exposed_headers", "credentials", "max_age")

    origins: list[str]
    """The origins: `https://app.example`; `https://*.example.com` for all subdomains at any depth; `regex:...`,
    which must fit the whole origin; or `*` alone for any.
    """

    methods: list[str]
    """The methods that may be used, or `*`. `GET`, `HEAD` and `POST` need no permission."""

    headers: list[str]
    """The request headers that may be sent, or `*`, which does not include `authorization`."""

    exposed_headers: list[str]
    """The response headers that a page may read besides the usual ones, or `*`."""

    credentials: bool
    """Whether cookies and other credentials may be sent along. Not together with `*` anywhere."""

    max_age: float | str
    """For how long a browser may remember what a preflight said."""

    def __init__(
        self,
        origins: Sequence[str],
        *,
        methods: Sequence[str] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        headers: Sequence[str] = ("authorization", "content-type"),
        exposed_headers: Sequence[str] = (),
        credentials: bool = False,
        max_age: float | str = 600,
    ) -> None:
        self.origins = items(origins)
        self.methods = items(methods)
        self.headers = items(headers)
        self.exposed_headers = items(exposed_headers)
        self.credentials = credentials
        self.max_age = max_age


class CsrfConfig(Settings):
    """Refuses requests that pages of other sites make a browser send."""

    __slots__ = ("trusted_origins",)

    trusted_origins: list[str]
    """Other origins whose pages may send requests that act: `https://accounts.example`."""

    def __init__(
        self,
        *,
        trusted_origins: Sequence[str] = (),
    ) -> None:
        self.trusted_origins = items(trusted_origins)


class DecompressionConfig(Settings):
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    __slots__ = ("gzip", "brotli", "zstd", "deflate")

    gzip: bool
    """Whether gzip is taken."""

    brotli: bool
    """Whether brotli (`br`) is taken."""

    zstd: bool
    """Whether zstd is taken."""

    deflate: bool
    """Whether `deflate` is taken: the zlib format, as RFC 9110 section 8.4.1.2 defines it."""

    def __init__(
        self,
        *,
        gzip: bool = True,
        brotli: bool = True,
        zstd: bool = True,
        deflate: bool = True,
    ) -> None:
        self.gzip = gzip
        self.brotli = brotli
        self.zstd = zstd
        self.deflate = deflate


class RequireConfig(Settings):
    """What the verified identity of a request must have."""

    __slots__ = ("scopes", "roles", "roles_claim", "claims", "consumers")

    scopes: list[str]
    """Scopes, all of which the token must name in `scope` or `scp`."""

    roles: list[str]
    """Roles, one of which the token must name in `roles_claim`."""

    roles_claim: str
    """The claim that names the roles. `realm_access.roles` is `roles` inside of `realm_access`; this holds for the
    names in `claims`, too.
    """

    claims: dict[str, str | Sequence[str]]
    """Claims of the token with the value that each must have; of a list, one of the values. A claim that is itself a
    list must hold such a value.
    """

    consumers: list[str]
    """Names of API keys, each of which passes without a token."""

    def __init__(
        self,
        *,
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
        roles_claim: str = "roles",
        claims: Mapping[str, str | Sequence[str]] | None = None,
        consumers: Sequence[str] = (),
    ) -> None:
        self.scopes = items(scopes)
        self.roles = items(roles)
        self.roles_claim = roles_claim
        self.claims = plain(claims)
        self.consumers = items(consumers)


class CacheConfig(Settings):
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""

    __slots__ = (
        "max_size",
        "max_entry_size",
        "default_ttl",
        "stale_while_revalidate",
        "stale_if_error",
        "collapse",
        "request_directives",
        "set_cookie",
        "ignored_query",
        "name",
    )

    max_size: int | str
    """How much is kept of all answers together. When there is no more room, what is asked for rarely makes room for
    what is asked for often.
    """

    max_entry_size: int | str
    """The largest body that is kept. A larger one passes through."""

    default_ttl: float | str
    """How long an answer is fresh that does not say it itself (`max-age`, `s-maxage`, `Expires`); 0: such answers
    are not kept. It is not for requests with cookies or credentials, nor for errors other than 404, 405, 410, 414
    and 501.
    """

    stale_while_revalidate: float | str
    """How long past its time an answer is still given while a new one is fetched, where it does not say that itself
    (`stale-while-revalidate`).
    """

    stale_if_error: float | str
    """How long past its time an answer is given in place of a 500, 502, 503 or 504, where it does not say that
    itself (`stale-if-error`).
    """

    collapse: float | str
    """How long a request waits for the answer that another one fetches already, before it fetches one for itself; 0:
    it never waits.
    """

    request_directives: bool
    """Whether `Cache-Control` of requests counts. Without it no client can make this cache ask the leaf."""

    set_cookie: bool
    """Whether answers with `Set-Cookie` are kept, cookie included: all clients get the same one."""

    ignored_query: list[str]
    """Parameters of the query that make no difference, such as `utm_source`, or `utm_*` for all that begin so. The
    leaf sees them.
    """

    name: str
    """What this cache is called in `Cache-Status`; empty: answers have no such header."""

    def __init__(
        self,
        *,
        max_size: int | str = 67108864,
        max_entry_size: int | str = 1048576,
        default_ttl: float | str = 0,
        stale_while_revalidate: float | str = 0,
        stale_if_error: float | str = 0,
        collapse: float | str = 10,
        request_directives: bool = True,
        set_cookie: bool = False,
        ignored_query: Sequence[str] = (),
        name: str = "spikard",
    ) -> None:
        self.max_size = max_size
        self.max_entry_size = max_entry_size
        self.default_ttl = default_ttl
        self.stale_while_revalidate = stale_while_revalidate
        self.stale_if_error = stale_if_error
        self.collapse = collapse
        self.request_directives = request_directives
        self.set_cookie = set_cookie
        self.ignored_query = items(ignored_query)
        self.name = name


class IssuerConfig(Settings, secrets=("secret",)):
    """An issuer of tokens, with its keys. Exactly one of `discovery`, `jwks_url`, `jwks_file` and `secret` says
    where those are.
    """

    __slots__ = ("issuer", "discovery", "jwks_url", "jwks_file", "secret", "algorithm", "algorithms", "audience")

    issuer: str
    """The name that its tokens have in `iss`, exactly."""

    discovery: bool
    """Whether the issuer says where its keys are, at `/.well-known/openid-configuration` below its name (`OpenID`
    Connect Discovery 1.0).
    """

    jwks_url: str | None
    """The address of its set of keys (RFC 7517)."""

    jwks_file: str | PathLike[str] | None
    """A file with its set of keys. It is read again when it changes."""

    secret: str | Mapping[str, str] | None
    """Its shared secret, or its public key in PEM."""

    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
    """The algorithm of `secret`."""

    algorithms: list[Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]]
    """The algorithms for which keys of a set are taken; empty: all that have public keys. An RSA key that does not
    say what it is for is for the first RSA algorithm here, else for RS256.
    """

    audience: str | Sequence[str] | None
    """The audiences of which its tokens must name one in `aud`, in place of those of `jwt_auth`."""

    def __init__(
        self,
        issuer: str,
        *,
        discovery: bool = False,
        jwks_url: str | None = None,
        jwks_file: str | PathLike[str] | None = None,
        secret: str | Mapping[str, str] | None = None,
        algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] = "HS256",
        algorithms: Sequence[Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]] = (),
        audience: str | Sequence[str] | None = None,
    ) -> None:
        self.issuer = issuer
        self.discovery = discovery
        self.jwks_url = jwks_url
        self.jwks_file = jwks_file
        self.secret = secret
        self.algorithm = algorithm
        self.algorithms = items(algorithms)
        self.audience = audience


class FetchConfig(Settings):
    """How keys are fetched from addresses."""

    __slots__ = ("refresh_interval", "retry_interval", "unknown_key_interval", "timeout", "max_age", "ca")

    refresh_interval: float | str
    """How often keys are fetched."""

    retry_interval: float | str
    """How long after a fetch that failed the next one is."""

    unknown_key_interval: float | str
    """How often at most keys are fetched because a token names one that nobody knows."""

    timeout: float | str
    """How long an answer may take, connection and TLS included."""

    max_age: float | str
    """How long keys are used while no newer ones can be had; then 503."""

    ca: str | PathLike[str] | None
    """A PEM file with the authorities that addresses are checked against, in place of the ones that the system
    trusts.
    """

    def __init__(
        self,
        *,
        refresh_interval: float | str = 300,
        retry_interval: float | str = 10,
        unknown_key_interval: float | str = 10,
        timeout: float | str = 5,
        max_age: float | str = 86400,
        ca: str | PathLike[str] | None = None,
    ) -> None:
        self.refresh_interval = refresh_interval
        self.retry_interval = retry_interval
        self.unknown_key_interval = unknown_key_interval
        self.timeout = timeout
        self.max_age = max_age
        self.ca = ca


class ConsumerConfig(Settings, secrets=("keys",)):
    """Somebody who has API keys, and what these are good for."""

    __slots__ = ("keys", "expires", "routes", "rate_limit")

    keys: list[str | Mapping[str, str]]
    """The keys, each plain text or `sha256:` and the digest in hexadecimal: two of them, while one takes the place
    of the other.
    """

    expires: str | None
    """When the keys end: `"2027-01-31"`, or a time in UTC such as `"2027-01-31T12:00:00Z"`."""

    routes: list[str]
    """The routes that the keys are good for, by their paths as the configuration has them: `"/orders/{id}"`, `"GET
    /orders"` for one method, `"/reports/*"` for all below. Empty: every route.
    """

    rate_limit: ConsumerLimitConfig | None
    """How many requests the consumer may make, over all of its keys and all routes."""

    def __init__(
        self,
        *,
        keys: Sequence[str | Mapping[str, str]] = (),
        expires: str | None = None,
        routes: Sequence[str] = (),
        rate_limit: ConsumerLimitConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self.keys = items(keys)
        self.expires = expires
        self.routes = items(routes)
        self.rate_limit = maybe(ConsumerLimitConfig, rate_limit)


class ContactInfo(Settings):
    """Whom to ask about the API."""

    __slots__ = ("name", "email", "url")

    name: str | None
    """The name of a person or an organisation."""

    email: str | None
    """An e-mail address."""

    url: str | None
    """The URL of a page about it."""

    def __init__(
        self,
        name: str | None = None,
        email: str | None = None,
        url: str | None = None,
    ) -> None:
        self.name = name
        self.email = email
        self.url = url


class LicenseInfo(Settings):
    """On which terms the API may be used."""

    __slots__ = ("name", "url")

    name: str
    """The name of the license."""

    url: str | None
    """The URL of its text."""

    def __init__(
        self,
        name: str,
        url: str | None = None,
    ) -> None:
        self.name = name
        self.url = url


class ServerInfo(Settings):
    """A server that has the API."""

    __slots__ = ("url", "description")

    url: str
    """The URL under which the paths stand."""

    description: str | None
    """What the server is for."""

    def __init__(
        self,
        url: str,
        description: str | None = None,
    ) -> None:
        self.url = url
        self.description = description


class SecuritySchemeInfo(Settings):
    """How clients say who they are."""

    __slots__ = ("type", "scheme", "bearer_format", "location", "name")

    type: Literal["http", "apiKey", "mutualTLS"]
    """The kind of scheme."""

    scheme: str | None
    """Of `http`: the scheme of the `Authorization` header, such as `bearer`."""

    bearer_format: str | None
    """Of `bearer`: what a token looks like, such as `JWT`."""

    location: Literal["header", "query", "cookie"] | None
    """Of `apiKey`: where the key stands."""

    name: str | None
    """Of `apiKey`: the name of the header, parameter or cookie."""

    def __init__(
        self,
        type: Literal["http", "apiKey", "mutualTLS"],
        scheme: str | None = None,
        bearer_format: str | None = None,
        location: Literal["header", "query", "cookie"] | None = None,
        name: str | None = None,
    ) -> None:
        self.type = type
        self.scheme = scheme
        self.bearer_format = bearer_format
        self.location = location
        self.name = name


class CertificateConfig(Settings):
    """A certificate and its key."""

    __slots__ = ("certificate", "key")

    certificate: str | PathLike[str]
    """A PEM file with the certificate, and behind it those that lead to its authority."""

    key: str | PathLike[str] | None
    """A PEM file with the key (PKCS #8, PKCS #1 or SEC 1, without a password). Without it the key is in the file of
    the certificate.
    """

    def __init__(
        self,
        certificate: str | PathLike[str],
        *,
        key: str | PathLike[str] | None = None,
    ) -> None:
        self.certificate = certificate
        self.key = key


class ClientAuthConfig(Settings, nested=("headers",)):
    """The certificates of clients: who may connect, and who is told of them. Handlers find the certificate on the
    request.
    """

    __slots__ = ("ca", "mode", "crl", "headers")

    ca: str | PathLike[str]
    """A PEM file with the authorities whose certificates are taken."""

    mode: Literal["required", "optional"]
    """Whether every client must show a certificate. One that is shown is checked in both cases."""

    crl: str | PathLike[str] | None
    """A PEM file with lists of revoked certificates. A certificate whose issuer has no list there is not taken;
    certificates of intermediate authorities are not looked up.
    """

    headers: ClientCertificateHeadersConfig
    """The headers in which upstreams are told."""

    def __init__(
        self,
        ca: str | PathLike[str],
        *,
        mode: Literal["required", "optional"] = "required",
        crl: str | PathLike[str] | None = None,
        headers: ClientCertificateHeadersConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self.ca = ca
        self.mode = mode
        self.crl = crl
        self.headers = one(ClientCertificateHeadersConfig, headers)


class BodyReadingConfig(Settings):
    """The limits of bodies that are read for a handler. What is past them is refused with 400."""

    __slots__ = ("json_depth", "form_fields", "form_files")

    json_depth: int
    """How many arrays and objects of a JSON body may stand one inside the other; more than 512 are never taken."""

    form_fields: int
    """The number of fields of a form, files not counted."""

    form_files: int
    """The number of files of a form."""

    def __init__(
        self,
        *,
        json_depth: int = 128,
        form_fields: int = 1000,
        form_files: int = 100,
    ) -> None:
        self.json_depth = json_depth
        self.form_fields = form_fields
        self.form_files = form_files


class DirectoryConfig(Settings):
    """A directory whose files are served: the leaf `static_files` of a route. The route's path ends in `{*rest}`,
    and the rest names the file.
    """

    __slots__ = ("directory", "index_file", "cache_control", "fallback", "precompressed")

    directory: str | PathLike[str]
    """The directory."""

    index_file: bool
    """Whether `index.html` answers for the directory that it is in."""

    cache_control: str | None
    """The `Cache-Control` of every file, such as `public, max-age=3600`."""

    fallback: str | None
    """The file in the directory that answers when a browser opens a page for which there is no file: `index.html`,
    for an application that routes in the browser.
    """

    precompressed: bool
    """Whether `app.js.br`, `app.js.zst` and `app.js.gz` answer for `app.js`, where the client accepts that. Only for
    directories in which such files hold the same content.
    """

    def __init__(
        self,
        directory: str | PathLike[str],
        *,
        index_file: bool = True,
        cache_control: str | None = None,
        fallback: str | None = None,
        precompressed: bool = False,
    ) -> None:
        self.directory = directory
        self.index_file = index_file
        self.cache_control = cache_control
        self.fallback = fallback
        self.precompressed = precompressed


class ResponseConfig(Settings):
    """A fixed answer: a status, headers, and text or JSON."""

    __slots__ = ("status", "headers", "body", "json")

    status: int
    """The status."""

    headers: dict[str, str]
    """The headers."""

    body: str | None
    """The body as text; `text/plain; charset=utf-8` unless `headers` says otherwise."""

    json: Any | None
    """The body as a value that is written as JSON. Not together with `body`."""

    def __init__(
        self,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        json: Any | None = None,
    ) -> None:
        self.status = status
        self.headers = plain(headers)
        self.body = body
        self.json = json


class RedirectConfig(Settings):
    """A redirect."""

    __slots__ = ("to", "status", "keep_query")

    to: str
    """Where to: a path or a URL. `{name}` stands for what a parameter of the route's path matched."""

    status: int
    """The status: 301, 302, 303, 307 or 308 (RFC 9110 section 15.4)."""

    keep_query: bool
    """Whether the query of the request is kept."""

    def __init__(
        self,
        to: str,
        *,
        status: int = 307,
        keep_query: bool = True,
    ) -> None:
        self.to = to
        self.status = status
        self.keep_query = keep_query


class TargetConfig(Settings):
    """A server of an upstream. Its URL alone stands for a table with nothing else."""

    __slots__ = ("url", "weight")

    url: str
    """Where it listens: `http://host:port`, `https://host:port` or `unix:/path/to.sock`."""

    weight: int
    """How many requests it gets in proportion to the others."""

    def __init__(
        self,
        url: str,
        *,
        weight: int = 1,
    ) -> None:
        self.url = url
        self.weight = weight


class HealthConfig(Settings):
    """Asks each target now and then how it is (active health checks). A target that fails its checks gets no
    requests.

    Until its first check a target counts as healthy, and that check decides alone; after it the thresholds do.
    Every check makes a connection of its own.
    """

    __slots__ = ("path", "interval", "timeout", "healthy_threshold", "unhealthy_threshold", "statuses", "host")

    path: str
    """The path that is asked for with GET, with a query if there is one."""

    interval: float | str
    """How long after one check the next one follows, give or take a tenth."""

    timeout: float | str
    """How long a check may take, connection included."""

    healthy_threshold: int
    """After how many checks in a row that passed an unhealthy target is healthy."""

    unhealthy_threshold: int
    """After how many checks in a row that failed a healthy target is unhealthy."""

    statuses: list[int]
    """The statuses of an answer that passes. None: all from 200 to 399."""

    host: str | None
    """The `Host` that is asked for, in place of the target's own."""

    def __init__(
        self,
        path: str,
        *,
        interval: float | str = 10,
        timeout: float | str = 3,
        healthy_threshold: int = 2,
        unhealthy_threshold: int = 3,
        statuses: Sequence[int] = (),
        host: str | None = None,
    ) -> None:
        self.path = path
        self.interval = interval
        self.timeout = timeout
        self.healthy_threshold = healthy_threshold
        self.unhealthy_threshold = unhealthy_threshold
        self.statuses = items(statuses)
        self.host = host


class EjectionConfig(Settings):
    """Ejects a target that fails several requests in a row (passive health checks).

    Failures are connections that cannot be made or break, answers that do not come in time or are no HTTP, and
    answers with one of `statuses`. Once the time is over, one request at a time finds out whether the target is
    back.
    """

    __slots__ = ("failures", "time", "max_time", "max_percent", "statuses")

    failures: int
    """After how many failures in a row a target is ejected; 0: never."""

    time: float | str
    """How long it gets no requests the first time. Each attempt that finds it failing still doubles the time."""

    max_time: float | str
    """How long it gets no requests at most."""

    max_percent: int
    """How many of a hundred targets may be out at the same time for what they answered, so that the others can bear
    the load. Targets that cannot be reached are ejected in any case.
    """

    statuses: list[int]
    """Statuses that count as failures."""

    def __init__(
        self,
        *,
        failures: int = 3,
        time: float | str = 10,
        max_time: float | str = 300,
        max_percent: int = 50,
        statuses: Sequence[int] = (502, 503, 504),
    ) -> None:
        self.failures = failures
        self.time = time
        self.max_time = max_time
        self.max_percent = max_percent
        self.statuses = items(statuses)


class RetriesConfig(Settings):
    """When a request is sent once more: to another target where there is one, after a short wait.

    Only requests without body are, by methods that ask for the same thing however often they are sent; never one
    whose answer has begun, unless its status is one of `statuses`; and never more of them than the budget has, so
    that an upstream that is overloaded is not sent even more.
    """

    __slots__ = (
        "attempts",
        "methods",
        "statuses",
        "failures",
        "budget_percent",
        "budget_per_second",
        "backoff",
        "max_backoff",
    )

    attempts: int
    """How many times a request is sent again at most. The client gets what came of the last time."""

    methods: list[Literal["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]]
    """The methods of requests that are sent again. `PUT` and `DELETE` are idempotent, not safe: a `DELETE` that is
    sent twice may be answered 404.
    """

    statuses: list[int]
    """The statuses of answers that another try takes the place of."""

    failures: list[Literal["connect", "reset", "timeout"]]
    """The failures that another try follows: `connect`, no connection could be made; `reset`, the connection ended
    before an answer began; `timeout`, none began within `response_timeout`.
    """

    budget_percent: int
    """How many requests are sent again at most, in percent of the requests of the last 10 seconds."""

    budget_per_second: int
    """How many requests a second are sent again beside `budget_percent`, for upstreams with few requests."""

    backoff: float | str
    """The longest wait before the first time a request is sent again; it doubles each time. The wait is a random
    part of it, so that requests which failed together do not come back together.
    """

    max_backoff: float | str
    """What `backoff` does not grow beyond."""

    def __init__(
        self,
        *,
        attempts: int = 2,
        methods: Sequence[Literal["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]] = ("GET", "HEAD", "OPTIONS"),
        statuses: Sequence[int] = (502, 503, 504),
        failures: Sequence[Literal["connect", "reset", "timeout"]] = ("connect", "reset", "timeout"),
        budget_percent: int = 20,
        budget_per_second: int = 10,
        backoff: float | str = 0.025,
        max_backoff: float | str = 0.25,
    ) -> None:
        self.attempts = attempts
        self.methods = items(methods)
        self.statuses = items(statuses)
        self.failures = items(failures)
        self.budget_percent = budget_percent
        self.budget_per_second = budget_per_second
        self.backoff = backoff
        self.max_backoff = max_backoff


class CircuitBreakerConfig(Settings):
    """Leaves an upstream alone for a while when too many requests to it fail: they are answered 503 at once, in
    place of waiting for what does not come, and the upstream has time to recover.

    A request fails if no connection can be made, if it gets no usable answer or none in time, and if the answer
    has one of `statuses`. Each time that a request is sent again counts by itself.
    """

    __slots__ = ("failure_percent", "min_requests", "window", "open_time", "probes", "statuses")

    failure_percent: int
    """How many of the requests in `window` must fail, in percent."""

    min_requests: int
    """How many requests there must have been in `window`: of few, chance decides."""

    window: float | str
    """How far back requests count."""

    open_time: float | str
    """How long requests are refused before some are let through to see how it is."""

    probes: int
    """How many requests are let through then. If all succeed, all requests go to the upstream again; at the first
    failure, they are refused for another `open_time`.
    """

    statuses: list[int]
    """The statuses of answers that count as failures."""

    def __init__(
        self,
        *,
        failure_percent: int = 50,
        min_requests: int = 20,
        window: float | str = 10,
        open_time: float | str = 5,
        probes: int = 3,
        statuses: Sequence[int] = (502, 503, 504),
    ) -> None:
        self.failure_percent = failure_percent
        self.min_requests = min_requests
        self.window = window
        self.open_time = open_time
        self.probes = probes
        self.statuses = items(statuses)


class CaseRequestConfig(Settings):
    """The request of a test."""

    __slots__ = ("url", "method", "headers", "body", "json", "client", "repeat")

    url: str
    """A URL, or a path with its query: then the host is `localhost` and the scheme `http`."""

    method: str
    """The method."""

    headers: dict[str, str]
    """The headers."""

    body: str | None
    """The body as text."""

    json: Any | None
    """The body as a value that is written as JSON; brings `content-type: application/json`. Not together with
    `body`.
    """

    client: str
    """The address at the other end of the connection."""

    repeat: int
    """How often it is sent; the last answer is the one that is looked at."""

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        json: Any | None = None,
        client: str = "127.0.0.1",
        repeat: int = 1,
    ) -> None:
        self.url = url
        self.method = method
        self.headers = plain(headers)
        self.body = body
        self.json = json
        self.client = client
        self.repeat = repeat


class CaseExpectConfig(Settings):
    """What is expected of an answer, and of what an upstream received; at least one thing. In text, `*` stands for
    any text.
    """

    __slots__ = (
        "status",
        "headers",
        "absent_headers",
        "body",
        "json",
        "json_includes",
        "route",
        "upstream_calls",
        "received",
    )

    status: int | None
    """The status."""

    headers: dict[str, str]
    """Headers with their values; `"*"` is any value. Of a header that comes several times, one has to fit."""

    absent_headers: list[str]
    """Headers that the answer must not have."""

    body: str | None
    """The body as text."""

    json: Any | None
    """The body as JSON, whole."""

    json_includes: Any | None
    """What the body has as JSON: tables may have more keys than these, lists have no more elements."""

    route: str | None
    """The path of the route that answers, as the configuration has it: `/users/{id}`."""

    upstream_calls: int | None
    """How many requests reached upstreams, all of a `repeat` together."""

    received: CaseReceivedConfig | None
    """The last request that reached an upstream."""

    def __init__(
        self,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        absent_headers: Sequence[str] = (),
        body: str | None = None,
        json: Any | None = None,
        json_includes: Any | None = None,
        route: str | None = None,
        upstream_calls: int | None = None,
        received: CaseReceivedConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.headers = plain(headers)
        self.absent_headers = items(absent_headers)
        self.body = body
        self.json = json
        self.json_includes = json_includes
        self.route = route
        self.upstream_calls = upstream_calls
        self.received = maybe(CaseReceivedConfig, received)


class HeaderEdits(Settings):
    """What is done to the headers of one side."""

    __slots__ = ("set", "add", "remove")

    set: dict[str, str]
    """Headers that get this value in place of any other, by name."""

    add: dict[str, str]
    """Headers that get this value beside those that are there, by name."""

    remove: list[str]
    """The names of headers that are removed."""

    def __init__(
        self,
        *,
        set: Mapping[str, str] | None = None,
        add: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
    ) -> None:
        self.set = plain(set)
        self.add = plain(add)
        self.remove = items(remove)


class ConsumerLimitConfig(Settings):
    """The limit of one consumer, over all of its keys and all routes."""

    __slots__ = ("per_second", "burst")

    per_second: float
    """How many requests a second come back after a burst."""

    burst: int
    """How many requests pass at once."""

    def __init__(
        self,
        per_second: float,
        burst: int,
    ) -> None:
        self.per_second = per_second
        self.burst = burst


class ClientCertificateHeadersConfig(Settings):
    """The headers in which upstreams are told of the certificate of a client. What clients send under these names is
    dropped.
    """

    __slots__ = ("certificate", "subject", "names", "fingerprint")

    certificate: str | None
    """The header with the certificate itself, in the form of `Client-Cert` (RFC 9440)."""

    subject: str | None
    """The header with the subject: `CN=shop,O=Example` (RFC 4514), all beyond ASCII escaped."""

    names: str | None
    """The header with the alternative names: `DNS:shop.example,URI:spiffe://example/shop`. A comma in a name is
    written `\2c`.
    """

    fingerprint: str | None
    """The header with the SHA-256 fingerprint in hexadecimal."""

    def __init__(
        self,
        *,
        certificate: str | None = None,
        subject: str | None = None,
        names: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self.certificate = certificate
        self.subject = subject
        self.names = names
        self.fingerprint = fingerprint


class CaseReceivedConfig(Settings):
    """What is expected of a request that reached an upstream. In text, `*` stands for any text."""

    __slots__ = ("upstream", "method", "path", "headers", "absent_headers", "body", "json")

    upstream: str | None
    """The name of the upstream."""

    method: str | None
    """The method."""

    path: str | None
    """The path with its query."""

    headers: dict[str, str]
    """Headers with their values; `"*"` is any value."""

    absent_headers: list[str]
    """Headers that the request must not have."""

    body: str | None
    """The body as text."""

    json: Any | None
    """The body as JSON, whole."""

    def __init__(
        self,
        *,
        upstream: str | None = None,
        method: str | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        absent_headers: Sequence[str] = (),
        body: str | None = None,
        json: Any | None = None,
    ) -> None:
        self.upstream = upstream
        self.method = method
        self.path = path
        self.headers = plain(headers)
        self.absent_headers = items(absent_headers)
        self.body = body
        self.json = json


class RoutePolicies(TypedDict, total=False):
    """What a route or a router says about policies.

    A dict is laid over what the router or the server says, an object replaces it; `False` switches the policy
    off, `True` is the server's.
    """

    enable_request_id: RequestIdConfig | Mapping[str, Any] | bool
    """Gives every request an id and names it in the `x-request-id` header of every response."""

    access_log: AccessLogConfig | Mapping[str, Any] | bool
    """Writes a line per request."""

    catch_panic: CatchPanicConfig | Mapping[str, Any] | bool
    """Answers 500 where a handler panics. It has no settings: on or off."""

    security_headers: SecurityHeadersConfig | Mapping[str, Any] | bool
    """Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out."""

    headers: HeadersConfig | Mapping[str, Any] | bool
    """Sets, adds and removes headers of requests and responses."""

    cors: CorsConfig | Mapping[str, Any] | bool
    """Lets pages of other origins call this server and read its answers."""

    csrf: CsrfConfig | Mapping[str, Any] | bool
    """Refuses requests that pages of other sites make a browser send."""

    compression: CompressionConfig | Mapping[str, Any] | bool
    """Compresses answers for clients that accept it."""

    request_timeout: TimeoutConfig | Mapping[str, Any] | float | str | bool
    """Bounds how long a handler may take to begin its answer."""

    rate_limit: RateLimitConfig | Mapping[str, Any] | Sequence[RateLimitConfig | Mapping[str, Any]] | bool
    """Admits a number of requests a second, and a burst at once, for each client."""

    jwt_auth: JwtConfig | Mapping[str, Any] | bool
    """Lets requests through that carry a valid JSON Web Token."""

    api_key_auth: ApiKeyConfig | Mapping[str, Any] | bool
    """Lets requests through that carry one of the API keys."""

    max_body_size: BodyLimitConfig | Mapping[str, Any] | int | str | bool
    """Bounds the size of request bodies."""

    decompression: DecompressionConfig | Mapping[str, Any] | bool
    """Decodes compressed request bodies. `max_body_size` bounds what comes out, too."""

    require: RequireConfig | Mapping[str, Any] | bool
    """What the verified identity of a request must have."""

    cache: CacheConfig | Mapping[str, Any] | bool
    """Keeps answers to `GET` and gives them to others who ask for the same, as the answers allow."""
