#!/usr/bin/env python3
"""Makes the keys and tokens of jwt_keys.yaml: prints them as YAML, once and for all.

The keys are new in each run, so all of the output belongs together. Needs the program openssl.
"""

import json
import pathlib
import tempfile

from tokens import CLAIMS, encode, openssl, raw_ecdsa, shared, unsigned

KINDS = {
    "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EdDSA": ["ED25519"],
}


class Key:
    """A key of openssl, and what it signs."""

    def __init__(self, folder: pathlib.Path, kid: str, algorithm: str) -> None:
        self.file, self.message, self.kid, self.algorithm = folder / kid, folder / "message", kid, algorithm
        openssl("genpkey", "-algorithm", *KINDS[algorithm], "-out", str(self.file))

    def public(self) -> dict:
        """The key as a member of a set (RFC 7517)."""
        der = openssl("pkey", "-in", str(self.file), "-pubout", "-outform", "DER")
        about = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        match self.algorithm:
            case "RS256":
                modulus = openssl("rsa", "-in", str(self.file), "-noout", "-modulus").decode().strip().partition("=")[2]
                return about | {"kty": "RSA", "n": encode(bytes.fromhex(modulus)), "e": "AQAB"}
            case "ES256":
                return about | {"kty": "EC", "crv": "P-256", "x": encode(der[-64:-32]), "y": encode(der[-32:])}
            case _:
                return about | {"kty": "OKP", "crv": "Ed25519", "x": encode(der[-32:])}

    def pem(self) -> bytes:
        return openssl("pkey", "-in", str(self.file), "-pubout")

    def signature(self, text: str, pss: bool = False) -> bytes:
        self.message.write_text(text)
        if self.algorithm == "EdDSA":
            return openssl("pkeyutl", "-sign", "-inkey", str(self.file), "-rawin", "-in", str(self.message))
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if pss else []
        return openssl("dgst", "-sha256", "-sign", str(self.file), *options, str(self.message))

    def token(self, header: dict | None = None, claims: dict | None = None) -> str:
        """A token that is good but for what `header` and `claims` change."""
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | (header or {})
        text = unsigned({name: value for name, value in header.items() if value is not None}, CLAIMS | (claims or {}))
        signature = self.signature(text, pss=header["alg"].startswith("PS"))
        if self.algorithm == "ES256":
            signature = raw_ecdsa(signature, 32)
        return f"{text}.{encode(signature)}"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rsa, ec, ed = Key(folder, "rsa", "RS256"), Key(folder, "ec", "ES256"), Key(folder, "ed", "EdDSA")
        partner, evil = Key(folder, "partner", "ES256"), Key(folder, "evil", "RS256")
        for_encryption = Key(folder, "enc", "RS256")
        good = ec.token()
        signed, _, signature = good.rpartition(".")
        header, payload = signed.split(".")
        zeros = encode(bytes(64))
        of_partner = {"iss": "https://partner.example", "aud": "partner"}
        tokens = {
            "rsa": rsa.token(),
            "ec": good,
            "ed": ed.token(),
            "ed_by_its_new_name": ed.token({"alg": "Ed25519"}),
            "nameless": rsa.token({"kid": None}),
            "of_partner": partner.token(claims=of_partner),
            # RFC 8725 section 2.1: the algorithm, or the key, is chosen by the token.
            "public_key_as_secret": shared(CLAIMS, {"kid": "rsa"}, secret=rsa.pem()),
            "jwk_as_secret": shared(CLAIMS, {"kid": "ec"}, secret=json.dumps(ec.public()).encode()),
            "none": unsigned({"alg": "none", "kid": "ec"}, CLAIMS) + ".",
            "none_in_other_letters": unsigned({"alg": "nOnE", "kid": "ec"}, CLAIMS) + ".",
            "none_with_a_signature": f"{unsigned({'alg': 'none', 'kid': 'ec'}, CLAIMS)}.{signature}",
            "other_algorithm_of_the_key": rsa.token({"alg": "PS256"}),
            "key_of_another_algorithm": rsa.token({"kid": "ec"}),
            "key_in_the_header": evil.token({"kid": "rsa", "jwk": evil.public()}),
            "address_of_a_key": evil.token({"kid": "evil", "jku": "https://evil.example/keys", "x5u": "https://evil.example/keys"}),
            "certificate_in_the_header": evil.token({"kid": "rsa", "x5c": [encode(evil.pem())]}),
            "key_for_encryption": for_encryption.token(),
            "unknown_key": evil.token(),
            "key_in_a_file": evil.token({"kid": "../../../../dev/null"}),
            "key_by_number": rsa.token({"kid": 0}),
            "critical": rsa.token({"crit": ["kid"]}),
            # CVE-2022-21449 and its like: signatures that prove nothing.
            "signature_of_zeros": f"{signed}.{zeros}",
            "signature_in_der": f"{signed}.{encode(ec.signature(signed))}",
            "signature_twice": f"{signed}.{encode(raw_ecdsa(ec.signature(signed), 32) * 2)}",
            "signature_empty": f"{signed}.",
            "signature_of_another": f"{signed}.{partner.token().rpartition('.')[2]}",
            # RFC 7515 section 2: one spelling, without padding, line ends and the other alphabet.
            "padded": f"{good}==",
            "padded_payload": f"{header}.{payload}=.{signature}",
            # RFC 8725 section 3.8: an issuer vouches for its own tokens only.
            "partner_for_us": partner.token(claims={"iss": "https://id.example"}),
            "partner_by_our_key": ec.token(claims=of_partner),
            "partner_for_our_audience": partner.token(claims=of_partner | {"aud": "api"}),
            "nobody": ec.token(claims={"iss": "https://evil.example"}),
            "two_issuers": ec.token(claims={"iss": ["https://id.example", "https://partner.example"]}),
            "ended": ec.token(claims={"exp": 1700000000}),
            "ends_in_text": ec.token(claims={"exp": "4102444800"}),
        }
        for name, token in tokens.items():
            print(f"  {name}: {token}")
        encryption = for_encryption.public() | {"use": "enc"}
        for name, keys in (("keys", [rsa.public(), ec.public(), ed.public(), encryption]), ("partner", [partner.public()])):
            print(f"{name}: '{json.dumps({'keys': keys})}'")


if __name__ == "__main__":
    main()
