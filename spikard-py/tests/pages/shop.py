"""A shop for pets: what it sells is for those who have a token, how to ask for it everybody may read."""

from __future__ import annotations

import os

import msgspec

from spikard import JwtConfig, OpenApiConfig, ServerConfig, ServerInfo, Spikard

SECRET = "a-secret-of-thirty-two-bytes-or-more"

app = Spikard(
    config=ServerConfig(
        jwt_auth=JwtConfig(SECRET, algorithm="HS256"),
        openapi=OpenApiConfig(
            enabled=True,
            title="Pets & more",
            scalar_path="/scalar",
            jwt_auth=False,
            servers=[ServerInfo(os.environ.get("SHOP", "/"))],
        ),
    )
)


class Pet(msgspec.Struct):
    """An animal that is for sale."""

    name: str
    legs: int = 4


@app.get("/pets/{name}", tags=["pets"])
def find_pet(name: str) -> Pet:
    """Finds a pet by its name.

    Names are those on the *collar*.
    """
    return Pet(name)


@app.post("/pets", tags=["pets"])
def sell_pet(pet: Pet) -> Pet:
    """Offers a pet for sale."""
    return pet
