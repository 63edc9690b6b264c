"""Who is known: users with a password, and clients, which are programs with a secret.

They live in memory, and are gone when the program ends; `../rest` has a database.
"""

from __future__ import annotations

import secrets

from msgspec import Struct
from passwords import hash_password, is_password


class Account(Struct, frozen=True):
    """A user or a client."""

    name: str
    stored: str
    """The password or the secret, as `passwords` keeps it."""
    scopes: frozenset[str]
    """What tokens of this account may be good for."""


class Accounts:
    """The accounts of one kind, by name."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        # Checked in place of an unknown account: so the time it takes tells nobody which names exist.
        self._nobody = Account("", hash_password(secrets.token_hex()), frozenset())

    def add(self, name: str, password: str, scopes: set[str]) -> bool:
        """Adds an account; false if the name is taken."""
        account = Account(name, hash_password(password), frozenset(scopes))
        return self._accounts.setdefault(name, account) is account

    def verified(self, name: str, password: str) -> Account | None:
        """The account with this name, if this is its password."""
        account = self._accounts.get(name, self._nobody)
        is_right = is_password(password, account.stored)
        return account if is_right and account is not self._nobody else None


class Users(Accounts):
    """People."""


class Clients(Accounts):
    """Programs."""
