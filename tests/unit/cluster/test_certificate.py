"""Certificates: made once, renewed in time, signed by the right authority."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kubehop.cluster import certificate
from kubehop.cluster.certificate import Request

SERVER = Request("apiserver", "kube-apiserver", server=True, names=("kubernetes", "127.0.0.1"))
CLIENT = Request("front-proxy-client", "front-proxy-client", authority="front-proxy-ca")


def load(path: Path) -> x509.Certificate:
    """Read a certificate."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_each_certificate_is_signed_by_its_authority(tmp_path: Path) -> None:
    """The signature verifies against the authority that the request names, and only that one."""
    certificate.ensure(tmp_path, [SERVER, CLIENT])
    load(tmp_path / "apiserver.crt").verify_directly_issued_by(load(tmp_path / "ca.crt"))
    load(tmp_path / "front-proxy-client.crt").verify_directly_issued_by(load(tmp_path / "front-proxy-ca.crt"))
    with pytest.raises(ValueError, match="Issuer"):
        load(tmp_path / "front-proxy-client.crt").verify_directly_issued_by(load(tmp_path / "ca.crt"))


def test_names_and_addresses_are_told_apart(tmp_path: Path) -> None:
    """A host name becomes a DNS name, an address an IP address."""
    certificate.ensure(tmp_path, [SERVER])
    names = (
        load(tmp_path / "apiserver.crt").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )
    assert names.get_values_for_type(x509.DNSName) == ["kubernetes"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_keys_are_private(tmp_path: Path) -> None:
    """Nobody but the owner can read a key."""
    certificate.ensure(tmp_path, [SERVER])
    keys = list(tmp_path.glob("*.key"))
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    authorities = {"ca.key", "front-proxy-ca.key", "ingress-ca.key"}
    assert {key.name for key in keys} == {*authorities, "sa.key", "apiserver.key"}


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    """What is good is kept: nodes with data must trust the same authority after a restart."""
    certificate.ensure(tmp_path, [SERVER])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    certificate.ensure(tmp_path, [SERVER])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("days", "renewed"), [(183, True), (185, False)])
def test_what_ends_within_a_term_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, renewed: bool
) -> None:
    """A certificate that would not outlive a term of 184 days is made anew for ten years."""
    monkeypatch.setattr(certificate, "VALID_DAYS", days)
    certificate.ensure(tmp_path, [SERVER])
    old = load(tmp_path / "apiserver.crt")
    monkeypatch.setattr(certificate, "VALID_DAYS", 3650)
    certificate.ensure(tmp_path, [SERVER])
    new = load(tmp_path / "apiserver.crt")
    assert (new.serial_number != old.serial_number) == renewed
    assert (new.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3600)) == renewed
    new.verify_directly_issued_by(load(tmp_path / "ca.crt"))


def test_what_is_not_valid_yet_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made while the clock was ahead."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=2)

    with monkeypatch.context() as wrong:
        wrong.setattr(certificate, "datetime", Ahead)
        certificate.ensure(tmp_path, [SERVER])
    assert load(tmp_path / "apiserver.crt").not_valid_before_utc > datetime.now(UTC)
    certificate.ensure(tmp_path, [SERVER])
    assert load(tmp_path / "apiserver.crt").not_valid_before_utc < datetime.now(UTC)
    load(tmp_path / "apiserver.crt").verify_directly_issued_by(load(tmp_path / "ca.crt"))


@pytest.mark.parametrize("file", ["apiserver.crt", "apiserver.key", "ca.crt", "ca.key", "sa.key", "sa.pub"])
def test_a_half_written_file_is_made_anew(tmp_path: Path, file: str) -> None:
    """What is no certificate or key, or not the other's, is no reason to stop."""
    certificate.ensure(tmp_path, [SERVER])
    whole = (tmp_path / file).read_text()
    (tmp_path / file).write_text(whole[: len(whole) // 2])
    certificate.ensure(tmp_path, [SERVER])
    server = load(tmp_path / "apiserver.crt")
    server.verify_directly_issued_by(load(tmp_path / "ca.crt"))
    key = serialization.load_pem_private_key((tmp_path / "apiserver.key").read_bytes(), None)
    assert key.public_key() == server.public_key()
    account = serialization.load_pem_private_key((tmp_path / "sa.key").read_bytes(), None)
    public = serialization.load_pem_public_key((tmp_path / "sa.pub").read_bytes())
    assert account.public_key() == public


def test_a_key_of_another_certificate_is_made_anew(tmp_path: Path) -> None:
    """A key that was replaced, as by a renewal that was cut off, takes its certificate with it."""
    certificate.ensure(tmp_path, [SERVER, CLIENT])
    (tmp_path / "apiserver.key").write_bytes((tmp_path / "front-proxy-client.key").read_bytes())
    certificate.ensure(tmp_path, [SERVER, CLIENT])
    key = serialization.load_pem_private_key((tmp_path / "apiserver.key").read_bytes(), None)
    assert key.public_key() == load(tmp_path / "apiserver.crt").public_key()


def test_a_lost_authority_takes_its_certificates_with_it(tmp_path: Path) -> None:
    """With a new authority, what the old one signed is made anew."""
    certificate.ensure(tmp_path, [SERVER])
    (tmp_path / "ca.crt").unlink()
    certificate.ensure(tmp_path, [SERVER])
    load(tmp_path / "apiserver.crt").verify_directly_issued_by(load(tmp_path / "ca.crt"))


def test_only_the_ingress_authority_is_bound_to_this_machine(tmp_path: Path) -> None:
    """Whoever trusts it in a browser trusts it for names below localhost and for loopback, no others."""
    certificate.ensure(tmp_path, [])
    bound = load(tmp_path / "ingress-ca.crt").extensions.get_extension_for_class(x509.NameConstraints)
    assert bound.critical
    assert [str(one.value) for one in bound.value.permitted_subtrees or []] == ["localhost", "127.0.0.0/8"]
    with pytest.raises(x509.ExtensionNotFound):
        load(tmp_path / "ca.crt").extensions.get_extension_for_class(x509.NameConstraints)
