#!/usr/bin/env python3
"""Makes the tokens and keys of jwt_auth.yaml and its siblings: prints them as YAML, once and for all.

The keys are new in each run, so all of the output belongs together. Needs the program openssl for
what the standard library cannot sign.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile

SECRET = b"a shared secret for tests, 32 bytes or more"
LATER = 4102444800  # 2100-01-01
CLAIMS = {"sub": "ann", "exp": LATER, "aud": "api", "iss": "https://id.example"}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict, claims: dict) -> str:
    return ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))


def shared(claims: dict, header: dict | None = None, secret: bytes = SECRET, digest: str = "sha256") -> str:
    text = unsigned({"alg": "HS256", "typ": "JWT"} | (header or {}), claims)
    return f"{text}.{encode(hmac.digest(secret, text.encode(), digest))}"


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def raw_ecdsa(der: bytes, size: int) -> bytes:
    """The two numbers of a DER signature, side by side (RFC 7518 section 3.4)."""
    numbers, at = [], 2
    while at < len(der):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + length], "big"))
        at += 2 + length
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def with_keys(algorithm: str, claims: dict, folder: pathlib.Path) -> tuple[str, str]:
    """A token of an asymmetric algorithm, and the public key."""
    key, message = folder / "key", folder / "message"
    kind = {
        "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "PS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "EdDSA": ["ED25519"],
    }[algorithm]
    openssl("genpkey", "-algorithm", *kind, "-out", str(key))
    text = unsigned({"alg": algorithm, "typ": "JWT"}, claims)
    message.write_text(text)
    if algorithm == "EdDSA":
        signature = openssl("pkeyutl", "-sign", "-inkey", str(key), "-rawin", "-in", str(message))
    else:
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if algorithm == "PS256" else []
        signature = openssl("dgst", "-sha256", "-sign", str(key), *pss, str(message))
    if algorithm == "ES256":
        signature = raw_ecdsa(signature, 32)
    return f"{text}.{encode(signature)}", openssl("pkey", "-in", str(key), "-pubout").decode()


def main() -> None:
    without = lambda name: {key: value for key, value in CLAIMS.items() if key != name}
    header, payload, signature = shared(CLAIMS).split(".")
    tokens = {
        "good": shared(CLAIMS),
        "several_audiences": shared(CLAIMS | {"aud": ["other", "api"]}),
        "expired": shared(CLAIMS | {"exp": 1700000000}),
        "early": shared(CLAIMS | {"nbf": LATER}),
        "other_audience": shared(CLAIMS | {"aud": "other"}),
        "no_audience": shared(without("aud")),
        "other_issuer": shared(CLAIMS | {"iss": "https://evil.example"}),
        "no_issuer": shared(without("iss")),
        "no_subject": shared(without("sub")),
        "endless": shared(without("exp")),
        "other_secret": shared(CLAIMS, secret=b"another secret of thirty-two bytes"),
        "changed": f"{header}.{payload[:-2]}AA.{signature}",
        "unsigned": unsigned({"alg": "none", "typ": "JWT"}, CLAIMS) + ".",
        "none_with_signature": shared(CLAIMS, {"alg": "none"}),
        "other_algorithm": shared(CLAIMS, {"alg": "HS512"}, digest="sha512"),
        "critical": shared(CLAIMS, {"crit": ["exp"]}),
        "unencoded": shared(CLAIMS, {"b64": False}),
        "embedded_key": shared(CLAIMS, {"jwk": {"kty": "oct", "k": encode(b"evil" * 8)}}, secret=b"evil" * 8),
        "key_url": shared(CLAIMS, {"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"}),
        "reader": shared(CLAIMS | {"sub": "rea", "scope": "orders:read"}),
        "writer": shared(CLAIMS | {"sub": "wri", "scope": "orders:read orders:write", "roles": ["clerk"]}),
        "admin": shared(CLAIMS | {"sub": "adm", "scope": "orders:write", "roles": ["admin"], "tenant": 7}),
    }
    for name, token in tokens.items():
        print(f"  {name}: {token}")
    with tempfile.TemporaryDirectory() as folder:
        for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
            token, public = with_keys(algorithm, CLAIMS, pathlib.Path(folder))
            print(f"  {algorithm}: {token}\n  # {algorithm}")
            print("".join(f"  {line}\n" for line in public.splitlines()), end="")
            if algorithm == "RS256":
                # The classic: whoever has the public key takes it for a shared secret.
                print(f"  confused: {shared(CLAIMS, secret=public.encode())}")


if __name__ == "__main__":
    main()
