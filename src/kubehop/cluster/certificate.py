"""The cluster's keys and certificates: three authorities, one certificate for each component.

Source: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubehop.cluster.state import write

VALID_DAYS = 3650
RENEW_DAYS = 184  # a term, half a year: what `up` leaves as it is lasts at least so long
INGRESS_CA = "ingress-ca"
AUTHORITIES = {
    "ca": "kubernetes-ca",
    "front-proxy-ca": "kubernetes-front-proxy-ca",
    INGRESS_CA: "kubehop-ingress-ca",
}
SERVICE_ACCOUNT = "sa"


@dataclass(frozen=True)
class Request:
    """What one certificate says.

    Attributes:
        file: Its files are `<file>.crt` and `<file>.key`.
        common_name: The user or host it names.
        organization: The group, for clients.
        server: Whether it serves (else it is a client's).
        names: Host names and addresses it answers for.
        authority: Which authority signs it.
    """

    file: str
    common_name: str
    organization: str = ""
    server: bool = False
    names: tuple[str, ...] = ()
    authority: str = "ca"


def ensure(folder: Path, requests: list[Request]) -> None:
    """Make what is missing, and renew what ends within a term, 184 days; the rest stays as it is."""
    for name, common_name in AUTHORITIES.items():
        if not _good(folder / f"{name}.crt"):
            _authority(folder, name, common_name)
    if not _whole(folder / f"{SERVICE_ACCOUNT}.key", folder / f"{SERVICE_ACCOUNT}.pub"):
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(folder / f"{SERVICE_ACCOUNT}.key", key)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write(folder / f"{SERVICE_ACCOUNT}.pub", public.decode())
    for request in requests:
        if not _good(folder / f"{request.file}.crt", issuer=folder / f"{request.authority}.crt"):
            _issue(folder, request)


def _whole(*keys: Path) -> bool:
    """Say whether these files are keys: each ends as it should."""
    return all(key.exists() and key.read_text().rstrip().endswith("KEY-----") for key in keys)


def _good(path: Path, *, issuer: Path | None = None) -> bool:
    if not path.exists() or not path.with_suffix(".key").exists():
        return False
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    except ValueError:  # half-written, or damaged
        return False
    if key.public_key() != certificate.public_key():
        return False
    if issuer and certificate.issuer != x509.load_pem_x509_certificate(issuer.read_bytes()).subject:
        return False
    now = datetime.now(UTC)  # a clock that was wrong when it was made may have been put right
    renew = certificate.not_valid_after_utc - timedelta(days=RENEW_DAYS)
    return certificate.not_valid_before_utc <= now < renew


def _authority(folder: Path, name: str, common_name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # A serial in the name: what an older authority of the same folder signed is then not taken for ours.
    subject = _name(common_name, f"{x509.random_serial_number():x}"[:12])
    builder = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if name == INGRESS_CA:
        builder = builder.add_extension(_only_this_machine(), critical=True)
    _write(folder / name, builder.sign(key, hashes.SHA256()), key)


def _issue(folder: Path, request: Request) -> None:
    signer = x509.load_pem_x509_certificate((folder / f"{request.authority}.crt").read_bytes())
    signing_key = serialization.load_pem_private_key((folder / f"{request.authority}.key").read_bytes(), None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if request.server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_name(request.common_name, request.organization), signer.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
    )
    if request.names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(_alternatives(request.names)), critical=False
        )
    _write(folder / request.file, builder.sign(signing_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=2))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
    )


def _name(common_name: str, organization: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _only_this_machine() -> x509.NameConstraints:
    """Return what an authority may vouch for that people add to their browser: names of this machine."""
    loopback = ipaddress.ip_network("127.0.0.0/8")
    return x509.NameConstraints([x509.DNSName("localhost"), x509.IPAddress(loopback)], None)


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    _write_key(path.with_suffix(".key"), key)
    write(path.with_suffix(".crt"), certificate.public_bytes(serialization.Encoding.PEM).decode())


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write(path, text.decode(), mode=0o600)
