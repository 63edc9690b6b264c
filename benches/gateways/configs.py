"""The same job in the words of each gateway.

Every one serves from one thread, keeps connections to the upstream open, and writes no access log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path

UPSTREAM = 9200
SECRET = "a-secret-of-32-bytes-or-more-for-benchmarks"
ROUTES = 10_000


def token() -> str:
    """A token that is valid until 2100, signed with HS256."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = part(b'{"alg":"HS256","typ":"JWT","kid":"k"}')
    claims = part(b'{"sub":"bench","iss":"bench","exp":4102444800}')
    signature = hmac.new(SECRET.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{part(signature)}"


@dataclass
class Job:
    """What a row asks of a gateway."""

    port: int
    folder: Path
    tls: bool = False
    guarded: bool = False
    routes: bool = False
    files: Path | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{self.port}-{name}"
        path.write_text(text)
        return path


def spikard(job: Job) -> Path:
    text = f'port = {job.port}\n[upstreams.u]\ntargets = ["http://127.0.0.1:{UPSTREAM}"]\n'
    if job.tls:
        pem = job.folder
        text += f'[tls]\ncertificates = [{{ certificate = "{pem}/cert.pem", key = "{pem}/key.pem" }}]\n'
    if job.guarded:
        text += (
            f'[jwt_auth]\nsecret = "{SECRET}"\nissuer = "bench"\n[rate_limit]\nper_second = 1e8\nburst = 100000000\n'
        )
    if job.files:
        text += f'[[static_files]]\ndirectory = "{job.files}"\nroute_prefix = "/"\n'
    elif job.routes:
        text += "".join(f'[[routes]]\npath = "/r{n}/x"\nupstream = "u"\n' for n in range(ROUTES))
    else:
        text += '[[routes]]\npath = "/{*rest}"\nupstream = "u"\n[[routes]]\npath = "/"\nupstream = "u"\n'
    return job.write("spikard.toml", text)


def nginx(job: Job) -> Path:
    tls = f"ssl_certificate {job.folder}/cert.pem; ssl_certificate_key {job.folder}/key.pem;" if job.tls else ""
    guard = "limit_req zone=z burst=100000000 nodelay; gzip on; gzip_types application/json; gzip_comp_level 6;"
    proxy = (
        f"proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ''; {guard if job.guarded else ''}"
    )
    locations = f"location / {{ {proxy} }}"
    if job.files:
        locations = f"location / {{ root {job.files}; sendfile on; tcp_nopush on; }}"
    elif job.routes:
        locations = "".join(f"location = /r{n}/x {{ {proxy} }}" for n in range(ROUTES))
    folder = job.folder
    return job.write(
        "nginx.conf",
        f"""daemon off; worker_processes 1; pid {folder}/{job.port}.pid; error_log /dev/null;
events {{ worker_connections 15000; }}
worker_rlimit_nofile 20000;
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder}; keepalive_requests 1000000000;
    limit_req_zone $binary_remote_addr zone=z:10m rate=1000000r/s;
    upstream u {{ server 127.0.0.1:{UPSTREAM}; keepalive 256; keepalive_requests 1000000000; }}
    server {{ listen 127.0.0.1:{job.port} {"ssl" if job.tls else ""}; {tls} {locations} }}
}}
""",
    )


def haproxy(job: Job) -> Path:
    tls = f" ssl crt {job.folder}/both.pem alpn h2,http/1.1" if job.tls else ""
    guard = routes = ""
    if job.guarded:
        guard = f"""
    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify(txn.alg,"{SECRET}") 1 }}
    stick-table type ip size 1m expire 1m store http_req_rate(1s)
    http-request track-sc0 src
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 100000000 }}
    compression algo gzip
    compression type application/json
"""
    if job.routes:
        table = job.write("routes.map", "".join(f"/r{n}/x b\n" for n in range(ROUTES)))
        routes = f"    use_backend %[path,map({table})]\n"
    return job.write(
        "haproxy.cfg",
        f"""global
    maxconn 9900
    nbthread 1
    tune.ssl.default-dh-param 2048
    tune.comp.maxlevel 6
defaults
    mode http
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend f
    bind 127.0.0.1:{job.port}{tls}{guard}
{routes}    {"" if job.routes else "default_backend b"}
backend b
    server s 127.0.0.1:{UPSTREAM}
""",
    )


def caddy(job: Job) -> Path:
    proxy: dict[str, object] = {"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{UPSTREAM}"}]}
    encode = {"handler": "encode", "encodings": {"gzip": {}}, "prefer": ["gzip"]}
    routes: list[dict[str, object]] = [{"handle": [encode, proxy] if job.guarded else [proxy]}]
    if job.files:
        routes = [{"handle": [{"handler": "file_server", "root": str(job.files)}]}]
    elif job.routes:
        routes = [{"match": [{"path": [f"/r{n}/x"]}], "handle": [proxy]} for n in range(ROUTES)]
    server: dict[str, object] = {
        "listen": [f"127.0.0.1:{job.port}"],
        "routes": routes,
        "automatic_https": {"disable": True},
    }
    apps: dict[str, object] = {"http": {"servers": {"s": server}}}
    if job.tls:
        server["tls_connection_policies"] = [{"default_sni": "localhost"}]
        pem = [{"certificate": f"{job.folder}/cert.pem", "key": f"{job.folder}/key.pem"}]
        apps["tls"] = {"certificates": {"load_files": pem}}
    return job.write(
        "caddy.json",
        json.dumps({"admin": {"disabled": True}, "logging": {"logs": {"default": {"level": "ERROR"}}}, "apps": apps}),
    )


def traefik(job: Job) -> Path:
    middlewares = {
        "limit": {"rateLimit": {"average": 100_000_000, "burst": 100_000_000}},
        "gzip": {"compress": {"encodings": ["gzip"]}},
    }
    router: dict[str, object] = {"entryPoints": ["e"], "service": "u"}
    if job.guarded:
        router["middlewares"] = list(middlewares)
    if job.tls:
        router["tls"] = {}
    rules = [f"Path(`/r{n}/x`)" for n in range(ROUTES)] if job.routes else ["PathPrefix(`/`)"]
    http: dict[str, object] = {
        "routers": {f"r{n}": {**router, "rule": rule} for n, rule in enumerate(rules)},
        "services": {"u": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{UPSTREAM}"}]}}},
    }
    if job.guarded:
        http["middlewares"] = middlewares
    dynamic: dict[str, object] = {"http": http}
    if job.tls:
        dynamic["tls"] = {"certificates": [{"certFile": f"{job.folder}/cert.pem", "keyFile": f"{job.folder}/key.pem"}]}
    # JSON is YAML.
    routes = job.write("traefik-routes.yaml", json.dumps(dynamic))
    static = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "ERROR"},
        "entryPoints": {"e": {"address": f"127.0.0.1:{job.port}"}},
        "providers": {"file": {"filename": str(routes)}},
        "serversTransport": {"maxIdleConnsPerHost": 256},
    }
    return job.write("traefik.yaml", json.dumps(static))


def envoy(job: Job) -> Path:
    typed = "type.googleapis.com/envoy.extensions"

    def filter_of(name: str, kind: str, **settings: object) -> dict[str, object]:
        return {"name": name, "typed_config": {"@type": f"{typed}.{kind}", **settings}}

    filters = [filter_of("router", "filters.http.router.v3.Router")]
    if job.guarded:
        key = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
        keys = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "k", "k": key}]})
        provider = {"issuer": "bench", "local_jwks": {"inline_string": keys}}
        rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "p"}}]
        bucket = {"max_tokens": 100_000_000, "tokens_per_fill": 100_000_000, "fill_interval": "1s"}
        always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
        gzip = filter_of("gzip", "compression.gzip.compressor.v3.Gzip", compression_level="COMPRESSION_LEVEL_6")
        filters = [
            filter_of("compressor", "filters.http.compressor.v3.Compressor", compressor_library=gzip),
            filter_of(
                "limit",
                "filters.http.local_ratelimit.v3.LocalRateLimit",
                stat_prefix="limit",
                token_bucket=bucket,
                filter_enabled=always,
                filter_enforced=always,
            ),
            filter_of("jwt", "filters.http.jwt_authn.v3.JwtAuthentication", providers={"p": provider}, rules=rules),
            *filters,
        ]
    to_upstream = {"cluster": "u"}
    matches = [{"path": f"/r{n}/x"} for n in range(ROUTES)] if job.routes else [{"prefix": "/"}]
    hosts = [{"name": "h", "domains": ["*"], "routes": [{"match": match, "route": to_upstream} for match in matches]}]
    manager = filter_of(
        "hcm",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="h",
        route_config={"name": "r", "virtual_hosts": hosts},
        http_filters=filters,
    )
    chain: dict[str, object] = {"filters": [manager]}
    if job.tls:
        pem = {
            "certificate_chain": {"filename": f"{job.folder}/cert.pem"},
            "private_key": {"filename": f"{job.folder}/key.pem"},
        }
        context = {"tls_certificates": [pem], "alpn_protocols": ["h2", "http/1.1"]}
        chain["transport_socket"] = filter_of(
            "tls", "transport_sockets.tls.v3.DownstreamTlsContext", common_tls_context=context
        )

    def address(port: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    endpoint = {"lb_endpoints": [{"endpoint": {"address": address(UPSTREAM)}}]}
    limits = {"thresholds": [{"max_connections": 25_000, "max_requests": 25_000, "max_pending_requests": 25_000}]}
    cluster = {
        "name": "u",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": limits,
        "load_assignment": {"cluster_name": "u", "endpoints": [endpoint]},
    }
    listener = {"name": "l", "address": address(job.port), "filter_chains": [chain]}
    return job.write("envoy.yaml", json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
