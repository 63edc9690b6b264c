"""The classes of the configuration: signatures, normal forms, copies, what they show."""

import copy
import inspect
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

import spikard.config as module
from spikard._settings import Settings
from spikard.config import (
    ApiKeyConfig,
    CompressionConfig,
    CsrfConfig,
    JwtConfig,
    LimitsConfig,
    OpenApiConfig,
    RateLimitConfig,
    RoutePolicies,
    SecuritySchemeInfo,
    ServerConfig,
    ServerInfo,
    StaticFilesConfig,
    TimeoutConfig,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "config-examples" / "spikard.schema.json").read_text())
STRUCTS = {**SCHEMA["$defs"], "ServerConfig": SCHEMA, "RateLimitConfig": SCHEMA["properties"]["rate_limit"]}
CLASSES = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Settings)]
CLASSES.remove(Settings)

PUBLISHED = {
    "ServerConfig": "host='127.0.0.1', port=8000, workers=1, enable_request_id=True, max_body_size=10485760, "
    "request_timeout=30, compression=True, rate_limit=None, jwt_auth=None, api_key_auth=None, static_files=(), "
    "graceful_shutdown=True, shutdown_timeout=30, openapi=None",
    "CompressionConfig": "gzip=True, brotli=True, min_size=1024, quality=6",
    "RateLimitConfig": "per_second, burst, ip_based=None",
    "JwtConfig": "secret=None, algorithm='HS256', audience=None, issuer=None, leeway=0",
    "ApiKeyConfig": "keys=(), header_name='X-API-Key'",
    "StaticFilesConfig": "directory, route_prefix, index_file=True, cache_control=None",
    "OpenApiConfig": "enabled=False, title='API', version='1.0.0', description=None, swagger_ui_path='/docs', "
    "redoc_path='/redoc', openapi_json_path='/openapi.json', contact=None, license=None, servers=(), "
    "security_schemes=None",
    "ContactInfo": "name=None, email=None, url=None",
    "LicenseInfo": "name, url=None",
    "ServerInfo": "url, description=None",
    "SecuritySchemeInfo": "type, scheme=None, bearer_format=None, location=None, name=None",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_can_be_given_by_position(name: str) -> None:
    positional = inspect.signature(getattr(module, name)).parameters.values()
    first = [one for one in positional if one.kind is one.POSITIONAL_OR_KEYWORD]
    shown = [one.name if one.default is one.empty else f"{one.name}={one.default!r}" for one in first]
    assert ", ".join(shown) == PUBLISHED[name]


def made(cls: type[Settings]) -> Settings:
    """An object with what is required."""
    required = [one for one in inspect.signature(cls).parameters.values() if one.default is one.empty]
    return cls(**{one.name: ["x"] if one.name in {"keys", "origins", "targets"} else "x" for one in required})


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_has_the_settings_and_the_defaults_of_its_struct(cls: type[Settings]) -> None:
    struct = STRUCTS[cls.__name__]
    properties = struct.get("properties", {})
    assert set(cls.__slots__) == set(properties)
    for name, value in made(cls).to_dict().items():
        if name in struct.get("required", ()):
            continue
        default = properties[name].get("default")
        wanted = in_seconds(default) if properties[name].get("format") == "spikard-duration" else default
        on = isinstance(default, dict) and not isinstance(value, dict)
        implied = {"ip_based": True}.get(name)
        assert value == implied or (on and value in (True, 30, 10485760)) or value == with_seconds(value, wanted), name


def in_seconds(text: str) -> float:
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "day": 86_400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|day)", text))


def with_seconds(value: object, default: object) -> object:
    """The default as Python has it: durations are numbers, what is absent is None, what is nested too."""
    if isinstance(value, dict) and isinstance(default, dict):
        return {key: with_seconds(value[key], default.get(key)) for key in value}
    if isinstance(value, float | int) and isinstance(default, str):
        return in_seconds(default)
    return {} if value == {} and default is None else default


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_equals_its_copies(cls: type[Settings]) -> None:
    config = made(cls)
    for other in (config.copy(), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other == config
        assert other is not config
    if not config._secrets & set(cls.__slots__):
        assert eval(repr(config), vars(module)) == config
        assert cls(**config.to_dict()) == config


def test_what_is_as_by_default_is_not_said() -> None:
    assert ServerConfig()._tree() == CompressionConfig()._tree() == LimitsConfig()._tree() == {}
    assert ServerConfig(csrf=True)._tree() == {"csrf": CsrfConfig()}
    assert repr(ServerConfig(port=1, limits={"uri": 9})) == "ServerConfig(port=1, limits=LimitsConfig(uri=9))"
    assert RateLimitConfig(100, 200)._tree() == {"per_second": 100, "burst": 200}
    assert RateLimitConfig(100, 200, False)._tree() == {"per_second": 100, "burst": 200, "ip_based": False}
    assert RateLimitConfig(1, 2, True, key="global")._tree()["ip_based"] is True


def test_policies_have_one_form() -> None:
    assert ServerConfig(compression=True).compression == ServerConfig().compression == CompressionConfig()
    assert ServerConfig(compression={"quality": 9}).compression == CompressionConfig(quality=9)
    for off in (False, None):
        config = ServerConfig(compression=off, enable_request_id=off, max_body_size=off, rate_limit=off)
        assert config.enable_request_id is False
        assert config.compression is config.max_body_size is config.rate_limit is None
        off_by_hand = {"compression", "enable_request_id", "max_body_size"}
        assert {name for name, value in config._tree().items() if value is False} == off_by_hand
    limits = ServerConfig(rate_limit=[{"per_second": 1, "burst": 1}, RateLimitConfig(2, 2, key="api_key")]).rate_limit
    assert limits == [RateLimitConfig(1, 1), RateLimitConfig(2, 2, key="api_key")]
    assert ServerConfig(request_timeout={"duration": 5}).request_timeout == TimeoutConfig(5)
    files = ServerConfig(static_files=[{"directory": ".", "route_prefix": "/a"}]).static_files
    assert files == [StaticFilesConfig(".", "/a")]


def test_a_route_says_nothing_of_what_it_is_not_told() -> None:
    files = StaticFilesConfig(Path("public"), "/", jwt_auth=False, compression={"quality": 1})
    assert files._tree() == {
        "directory": "public",
        "route_prefix": "/",
        "jwt_auth": False,
        "compression": {"quality": 1},
    }
    assert set(RoutePolicies.__annotations__) < set(ServerConfig.__slots__)
    assert set(RoutePolicies.__annotations__) == set(StaticFilesConfig.__slots__) & set(ServerConfig.__slots__)


def test_a_copy_has_other_settings() -> None:
    config = ServerConfig(port=1, limits={"uri": 10})
    other = config.copy(port=2, compression=False)
    assert (config.port, other.port, other.compression, other.limits.uri) == (1, 2, None, 10)
    other.limits.uri = 20
    assert config.limits.uri == 10
    limit = RateLimitConfig(1, 2)
    assert limit.ip_based is True
    assert limit.copy(key="global")._tree() == {"per_second": 1, "burst": 2, "key": "global"}
    assert limit.copy(key="global").copy(ip_based=False)._tree() == {"per_second": 1, "burst": 2, "ip_based": False}


def test_no_secret_is_shown() -> None:
    keys = {"mobile": "hunter2", "other": {"env": "hunter2"}}
    config = ServerConfig(
        jwt_auth={"secret": "hunter2", "issuer": "me"},
        api_key_auth=ApiKeyConfig(["hunter2"]),
        static_files=[StaticFilesConfig(".", "/", api_key_auth={"keys": keys}, jwt_auth=JwtConfig("hunter2"))],
    )
    for shown in (repr(config), str(config.to_dict())):
        assert "hunter2" not in shown
        assert "****" in shown
    assert repr(config.jwt_auth) == "JwtConfig(secret='****', issuer='me')"
    assert config.api_key_auth is not None
    assert config.api_key_auth._tree() == {"keys": ["hunter2"]}


def test_a_setting_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match="CompressionConfig has no setting 'qualty', did you mean 'quality'"):
        CompressionConfig(qualty=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean 'quality'"):
        ServerConfig(compression={"qualty": 1})
    with pytest.raises(TypeError, match="did you mean 'workers'"):
        ServerConfig().copy(worker=2)
    with pytest.raises(AttributeError):
        CompressionConfig().qualty = 1  # type: ignore[attr-defined]


def test_objects_differ_by_class_and_settings() -> None:
    assert ServerInfo("a") != SecuritySchemeInfo("http")
    assert OpenApiConfig(title="a") != OpenApiConfig(title="b")
    with pytest.raises(TypeError, match="unhashable"):
        hash(CompressionConfig())


def test_importing_the_configuration_takes_little_more_than_typing() -> None:
    code = "import sys, typing; before = set(sys.modules); import spikard.config; print(*set(sys.modules) - before)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"dataclasses", "inspect", "difflib", "msgspec"} & set(output.split()) == set()
